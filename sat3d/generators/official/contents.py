"""Choice of the network in a file; and where there is none, an error that tells what the file holds instead."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeGuard

from ...errors import FileError, NoSuchNetworkError
from ...foreign.values import Record, TensorView, describe, unlike_official

USUAL = ("G_ema", "G")  # the average over the training, which makes better pictures, and the network itself
WANTED = "a network of EG3D, PanoHead, SphereHead or StyleGAN2: a .pkl, or rosinality's or PTI's .pt"
EXPORT = "open it with the project that wrote it, and export the whole network from there as a pickle with G_ema"
CODE = "if it is the code of a face, load it as a face, together with the network that it was found for"
_SHOWN = 3
_MOST_KEYS, _MOST_LOOKED_AT = 50, 1000


@dataclass(frozen=True)
class Chosen:
    """``key``: its name in the file, empty if the file is the network; ``told``: the same in words, for people."""

    network: Record
    key: str
    told: str


def choose(contents: object, key: str | None = None) -> Chosen:
    """The network ``key``; None: G_ema, else G, else the only thing in the file.

    Raises:
        FileError: there is none, with what there is.
    """
    if is_network(contents) and key is None:
        return Chosen(contents, "", "all of the file, a network without a name")
    if not isinstance(contents, dict) and not is_network(contents):
        raise _no_dictionary(contents)
    networks = contents if isinstance(contents, dict) else {"": contents}
    wanted = [name for name in USUAL if is_network(networks.get(name))] if key is None else [key]
    found = networks.get(wanted[0]) if wanted else None
    if not is_network(found):
        raise _not_there(networks, key)
    return Chosen(found, wanted[0], _told(networks, wanted[0]) if key is None else wanted[0])


def is_network(value: object) -> TypeGuard[Record]:
    """A module with its source text; whether it is a generator remains to be seen."""
    return isinstance(value, Record) and value.persistent


def holds_network(contents: object) -> bool:
    """Whether it is one, or has one among its values."""
    values = contents.values() if type(contents) is dict else (contents,)
    return any(map(is_network, values))


def key_names(contents: object) -> str:
    """The keys of a dictionary, as far as they are text, the first twenty."""
    return ", ".join(key[:40] for key in list(contents)[:20] if type(key) is str) if type(contents) is dict else ""


def _told(contents: dict, key: str) -> str:
    if key == USUAL[0]:
        return key
    return f"{key}, since there is no {USUAL[0]}, the average over the training that usually draws better"


def _not_there(contents: dict, key: str | None) -> FileError:
    names = [key] if key is not None else list(USUAL)
    for name in names:
        if contents.get(name) is not None:
            return _no_network(contents[name], repr(name))
    networks = [name for name, value in contents.items() if type(name) is str and is_network(value)]
    if key is None and networks and all("Discriminator" in contents[name].kind for name in networks):
        return judges(f"{networks[0][:40]} of class {describe(contents[networks[0]].kind)}")
    if key is None and not networks and (weights := weights_somewhere(contents)):
        return weights_alone(weights)
    return _other_networks(contents, names, networks)


def _other_networks(contents: dict, names: Sequence[str], networks: list[str]) -> FileError:
    choice = f": {', '.join(name[:40] for name in networks[:20])}" if any(networks) else ""
    kind = NoSuchNetworkError if networks else FileError
    return kind(
        f"The pickle has no network {' or '.join(map(repr, names))}",
        f"the keys {key_names(contents)}" if any(contents) else f"{len(contents)} values without a key",
        "usually G_ema",
        f"choose one of the networks in it{choice}" if networks else "use a file that holds a generator",
    )


def judges(got: str) -> FileError:
    """A discriminator."""
    return FileError(
        "This network judges pictures and draws none",
        got,
        "a generator, which the official files call G_ema or G",
        "use the file of the same training that has the generator",
    )


def _no_network(value: object, name: str) -> FileError:
    weights = weights_in(value)
    if weights is None:
        return unlike_official(f"{name} is not a network", describe(value))
    return weights_alone(f"{name} is {weights}")


def weights_alone(got: str) -> FileError:
    """A state dict, which does not tell what is to be computed with it."""
    return FileError(
        "The file holds weights without the network they belong to",
        got,
        "a whole network, as the official training code pickles it",
        "load them into their base network with the project that wrote them, and export the whole network from there "
        "as a pickle with G_ema",
    )


def weights_somewhere(contents: dict) -> str | None:
    """Where in a dictionary there is a state dict, in words; that of the usual network first."""
    if weights := weights_in(contents):
        return f"it is {weights}"
    some = {name: contents.get(name) for name in (*USUAL, "g_ema")} | dict(list(contents.items())[:_MOST_KEYS])
    found = ((name, weights_in(value)) for name, value in some.items() if type(name) is str)
    return next((f"{name[:40]!r} is {weights}" for name, weights in found if weights), None)


def weights_in(value: object) -> str | None:
    """``a state dict of 3 tensors (weight, bias, …)``; None unless most of a dictionary are tensors."""
    if type(value) is not dict:
        return None
    names = [name for name, part in list(value.items())[:_MOST_LOOKED_AT] if type(part) is TensorView]
    if any(type(name) is not str for name in names) or 2 * len(names) <= min(len(value), _MOST_LOOKED_AT):
        return None
    shown = ", ".join(name[:40] for name in names[:_SHOWN]) + (", …" if len(names) > _SHOWN else "")
    return f"a state dict of {len(names)} tensor{'s' * (len(names) > 1)} ({shown})"


def _no_dictionary(contents: object) -> FileError:
    parts = contents if isinstance(contents, (tuple, list)) else ()
    networks = sum(map(is_network, parts[:20]))
    what = f"{describe(contents)} with {networks} networks in it" if networks else describe(contents)
    return FileError(
        "The network is of a kind that cannot be converted: the pickle is not a dictionary of networks",
        what,
        "G_ema, or G, or a generator alone",
        "have its generator saved under the name G_ema",
    )
