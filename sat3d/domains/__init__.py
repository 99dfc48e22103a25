"""Domains: the attributes of a kind of picture, and the descriptor groups that measure them.

One JSON file per domain, so that an attribute is added without touching code. The files beside this one come with the
package; :func:`load_domain` also reads a user's own.
"""

from .domain import DescriptorGroup, Domain, PictureSampling, Preselection, Quota, RegionPart
from .reading import SCHEMA, domain_names, load_domain, parse_domain
from .shipped import check_describes, shipped_domain, shows_people

__all__ = [
    "SCHEMA",
    "DescriptorGroup",
    "Domain",
    "Preselection",
    "Quota",
    "RegionPart",
    "PictureSampling",
    "check_describes",
    "domain_names",
    "load_domain",
    "parse_domain",
    "shipped_domain",
    "shows_people",
]
