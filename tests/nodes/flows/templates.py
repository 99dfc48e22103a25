"""What is in each template. Columns from left to right: what it is, who, the edit, the result."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from .builder import Graph, Kind, Node, Wire

BUILT_IN, OFFICIAL = "synthheads-128 (built-in)", "ffhq512-128.pkl"
PHOTO = "sat3d_portrait.jpg"
OFFICIAL_MODEL = {
    "name": OFFICIAL,
    "url": "https://api.ngc.nvidia.com/v2/models/nvidia/research/eg3d/versions/1/files/ffhq512-128.pkl",
    "directory": "eg3d",
}
VIDEO_PX = 120  # of Save Video beside its picture, which is as wide as the node
TOP, GAP = 60, 50  # of a column; between nodes, the title of the lower one included
Kinds = Mapping[str, Kind]


class Page(Graph):
    """A template: nodes go into columns, each below the last."""

    def __init__(self, name: str, kinds: Kinds):
        super().__init__(name, kinds)
        self.x, self.y, self.width = 40, TOP, 300

    def column(self, x: int, width: int) -> None:
        self.x, self.y, self.width = x, TOP, width

    def put(self, kind: str, tall: int, title: str = "", **inputs) -> Node:
        return self._below(self.add(kind, (self.x, self.y), (self.width, tall), title, **inputs))

    def put_note(self, height: int, title: str, text: str) -> Node:
        return self._below(self.note(title, text, (self.x, self.y), (self.width, height)))

    def put_graph(self, inside: Graph, height: int, **wires: Wire) -> Node:
        return self._below(self.add_graph(inside, (self.x, self.y), (self.width, height), **wires))

    def _below(self, node: Node) -> Node:
        self.y += node.size[1] + GAP
        return node

    def load(self) -> Node:
        return self.put("LoadEG3D", 110, checkpoint=BUILT_IN)

    def sample(self, model: Node, seed: int, title: str, **more) -> Node:
        return self.put("SAT3DSampleFace", 150, title, model=model["model"], seed=seed, **more)


def first_face(kinds: Kinds) -> Graph:
    page = Page("1 First face", kinds)
    note = page.put_note(
        250,
        "First face",
        "A face from a seed, seen from all sides. Nothing to download: the generator comes with the pack.\n\n"
        "1. Press Run.\n2. Try another seed, another path, more frames.\n"
        "3. Other generators: put a checkpoint into models/eg3d, press R and choose it in Load EG3D Model. Official "
        ".pkl "
        "files work as they are; truncation 0.7 suits them better.\n\n"
        "The video is saved under output/sat3d. Cancel works at any time.",
    )
    model = page.load()
    page.column(390, 300)
    face = page.sample(model, 2, "")
    page.column(730, 330)
    orbit = page.put("RenderOrbit", 500, model=model["model"], latent=face["latent"], frames=16, fps=8)
    page.column(1100, 340)
    video = page.put(
        "SaveVideo", 340 + VIDEO_PX, "The head, turning", video=orbit["video"], filename_prefix="sat3d/first_face"
    )
    depth = page.put("PreviewImage", 340, "Depth", images=orbit["depth"])
    page.group("What this is", note, model)
    page.group("Who, and from where", face, orbit)
    page.group("Result", video, depth)
    return page


def compare_three(kinds: Kinds) -> Graph:
    """Source, reference and edit from the same cameras."""
    faces = ("source", "reference", "edit")
    graph = Graph("Compare Three Faces", kinds, {"model": "EG3D_MODEL", **dict.fromkeys(faces, "EG3D_LATENT")})
    graph.description = "Renders source, reference and edit from the same cameras, as a sheet; and the edit as a video."
    orbits = [
        graph.add(
            "RenderOrbit",
            (0, 520 * i),
            (330, 470),
            f"Views of the {face}",
            model=graph.input("model"),
            latent=graph.input(face),
            frames=8,
            neural_resolution=64,
            fps=6,
        )
        for i, face in enumerate(faces)
    ]
    rows = {f"row_{i}": orbit["images"] for i, orbit in enumerate(orbits, 1)}
    labels = "source\nreference\nedit: the attribute of the reference"
    sheet = graph.add("SAT3DContactSheet", (390, 0), (340, 280), labels=labels, cell_px=128, **rows)
    graph.outputs = {"sheet": sheet["sheet"], "video": orbits[2]["video"]}
    return graph


def first_edit(kinds: Kinds) -> Graph:
    page = Page("2 First edit", kinds)
    note = page.put_note(
        360,
        "First edit",
        "This very beard, on another face. Nothing to download.\n\n"
        "1. Press Run. The sheet shows source, reference and edit from the same cameras; the video turns the edited "
        "head.\n2. Move 'intensity': 0 is the source, 1 the beard of the reference, up to about 2 exaggerates, below 0 "
        "shaves. Only the edit is computed again.\n3. Choose another attribute, or other seeds. All faces are "
        "invented.\n\nSlow machine? Open 'Compare Three Faces' (the symbol in its corner) and take fewer frames.",
    )
    model = page.load()
    page.column(370, 300)
    source, reference = page.sample(model, 19, "Source"), page.sample(model, 40, "Reference: the beard")
    edit = page.put(
        "SAT3DTransfer",
        270,
        model=model["model"],
        source=source["latent"],
        reference=reference["latent"],
        attribute="beard",
    )
    page.column(700, 300)
    three = page.put_graph(
        compare_three(kinds),
        130,
        model=model["model"],
        source=source["latent"],
        reference=reference["latent"],
        edit=edit["latent"],
    )
    page.column(1030, 580)
    sheet = page.put(
        "SaveImage", 340, "Source, reference, edit", images=three["sheet"], filename_prefix="sat3d/first_edit"
    )
    place, page.width = page.y, 320
    video = page.put(
        "SaveVideo", 320 + VIDEO_PX, "The edited head", video=three["video"], filename_prefix="sat3d/first_edit"
    )
    done = page.add("PreviewAny", (1370, place), (240, 200), "What was done", source=edit["provenance"])
    page.group("What this is", note, model)
    page.group("Who, and the edit", source, reference, edit)
    page.group("Pictures", three)
    page.group("Result", sheet, video, done)
    return page


REFERENCES = (
    ("hairstyle", 2, "Hair style: an afro"),
    ("hair_colour", 23, "Hair colour: orange"),
    ("eye_region", 53, "Eyes: blue"),
    ("expression", 47, "Expression: a smile"),
    ("beard", 40, "Beard: a full one"),
    ("eyeglasses", 20, "Glasses: round"),
)


def portraits(kinds: Kinds) -> Graph:
    names = [attribute for attribute, *_ in REFERENCES]
    graph = Graph("Portraits of Six", kinds, {"model": "EG3D_MODEL", **dict.fromkeys(names, "EG3D_LATENT")})
    graph.description = "Renders six faces and puts them on one sheet."
    views = [
        graph.add(
            "RenderOrbit",
            (360 * (i % 3), 520 * (i // 3)),
            (330, 470),
            name.replace("_", " "),
            model=graph.input("model"),
            latent=graph.input(name),
            path="still",
            frames=1,
            yaw_deg=12.0,
            pitch_deg=0.0,
            neural_resolution=64,
        )
        for i, name in enumerate(names)
    ]
    rows = {f"row_{i}": view["images"] for i, view in enumerate(views, 1)}
    labels = "\n".join(name.replace("_", " ") for name in names)
    sheet = graph.add("SAT3DContactSheet", (1140, 0), (340, 280), labels=labels, cell_px=128, columns=1, **rows)
    graph.outputs = {"sheet": sheet["sheet"]}
    return graph


def six_attributes(kinds: Kinds) -> Graph:
    page = Page("3 Six attributes", kinds)
    note = page.put_note(
        330,
        "Six attributes, six people",
        "Each attribute comes from a person of its own, and one slider says how much of it. The strip on the right "
        "shows "
        "these people.\n\nMove a slider and press Run, or choose Run (On Change) beside Run: then the picture follows "
        "the sliders. 0 takes an attribute out, below 0 goes away from the reference. Change a seed to take the "
        "attribute of somebody else.\n\nA face without a reference of its own takes that of 'reference'.",
    )
    model = page.load()
    source = page.sample(model, 19, "Source")
    faces = {}
    for x, part in ((370, REFERENCES[:3]), (670, REFERENCES[3:])):
        page.column(x, 270)
        for attribute, seed, title in part:
            faces[attribute] = page.sample(model, seed, title)
    page.column(370, 570)
    page.y = TOP + 3 * (150 + GAP)
    place = page.y
    page.column(980, 350)
    edit = page.put(
        "SAT3DMultiTransfer",
        800,
        "Sliders: move one",
        model=model["model"],
        source=source["latent"],
        reference=faces["eye_region"]["latent"],
        **{f"reference_{name}": face["latent"] for name, face in faces.items()},
        **dict.fromkeys(faces, 1.0),
    )
    done = page.add("PreviewAny", (370, place), (570, 200), "What was done", source=edit["provenance"])
    page.column(1370, 260)
    strip = page.put_graph(portraits(kinds), 190, model=model["model"], **{n: f["latent"] for n, f in faces.items()})
    sheet = page.put("PreviewImage", 560, "The six references", images=strip["sheet"])
    page.group("What this is", note, model, source)
    page.group("Six references", *faces.values(), done)
    page.group("Edit, and its picture", edit)
    page.group("Where it comes from", strip, sheet)
    return page


def edit_a_photo(kinds: Kinds) -> Graph:
    page = Page("4 Edit a photo", kinds)
    note = page.put_note(
        350,
        "Edit a photo",
        "A photo goes in, its face is found in the generator, one attribute is edited, and the face goes back into the "
        "photo at its own size. Nothing to download.\n\n1. Press Run. On a slow machine the inversion takes a minute "
        "or "
        "two, once: it is kept. The example person does not exist.\n2. Move 'intensity' in Transfer Attribute, or "
        "choose "
        "another attribute.\n3. Paste Back carries over only what the edit changed: skin, light and background stay "
        "those of the photo. Take the wire off 'before' to see the generator's own head.",
    )
    own = page.put_note(
        270,
        "Your own photo",
        "YOUR OWN PHOTO. Drop it onto Load Image. Where Align Face finds several faces, its picture shows their "
        "numbers: "
        "choose one by 'face'.\n\nThe built-in model knows rendered heads only. For photos of people choose an EG3D "
        "face "
        "checkpoint in Load EG3D Model (see the template Official FFHQ), set 'frame' in Align Face to 'published face "
        "models', and connect masks learned for it.",
    )
    model = page.load()
    page.column(370, 300)
    photo = page.put("LoadImage", 330, "The photo: drop yours here", image=PHOTO)
    face = page.put("SAT3DAlignFace", 480, image=photo["IMAGE"], frame="built-in heads")
    page.column(700, 300)
    found = page.put(
        "InvertImage", 610, model=model["model"], image=face["crop"], place=face["place"], method="W+", steps=30
    )
    near = page.put("PreviewAny", 150, "How near the inversion came", source=found["info"])
    page.column(1030, 300)
    reference = page.sample(model, 4, "Reference: the beard")
    edit = page.put(
        "SAT3DTransfer",
        270,
        model=model["model"],
        source=found["latent"],
        reference=reference["latent"],
        attribute="beard",
    )
    view = page.put("SAT3DRenderAsTaken", 90, model=model["model"], latent=edit["latent"])
    back = page.put(
        "SAT3DPasteBack",
        240,
        photo=photo["IMAGE"],
        edited=view["images"],
        before=found["preview"],
        place=face["place"],
    )
    page.column(1360, 330)
    saved = page.put("SaveImage", 420, "The edited photo", images=back["image"], filename_prefix="sat3d/photo_edit")
    changed = page.put("SAT3DCompare", 170, "What changed", before=photo["IMAGE"], after=back["image"])
    seen = page.put("PreviewImage", 250, "What changed, four times as bright", images=changed["difference"])
    page.group("What this is", note, own, model)
    page.group("Photo and face", photo, face)
    page.group("The face in the generator", found, near)
    page.group("Edit, and back", reference, edit, view, back)
    page.group("Result", saved, changed, seen)
    return page


def orbit_and_mesh(kinds: Kinds) -> Graph:
    page = Page("5 Orbit and mesh", kinds)
    note = page.put_note(
        330,
        "Turn it, take it out",
        "An edited head as a video and as a mesh.\n\nRender Orbit makes the frames; Export Mesh writes a GLB with its "
        "colours into output/sat3d, and Preview 3D shows it: drag to turn. A GLB that is dropped on this page opens "
        "this "
        "workflow again.\n\nresolution 128 is quick, 256 gives finer hair. The GLB opens in Blender, in web pages and "
        "in "
        "slicers for 3D printing; it is closed once the corners along the seams of its texture are merged.\n\nThe back "
        "of the head is a guess of the generator, which saw few backs.",
    )
    model = page.load()
    page.column(370, 300)
    source, reference = page.sample(model, 36, "Source"), page.sample(model, 2, "Reference: the hair")
    edit = page.put(
        "SAT3DTransfer",
        270,
        model=model["model"],
        source=source["latent"],
        reference=reference["latent"],
        attribute="hairstyle",
    )
    page.column(700, 310)
    orbit = page.put(
        "RenderOrbit",
        500,
        model=model["model"],
        latent=edit["latent"],
        frames=16,
        yaw_deg=35.0,
        neural_resolution=64,
        fps=8,
    )
    mesh = page.put("SAT3DExportMesh", 210, model=model["model"], latent=edit["latent"], resolution=128)
    page.column(1040, 330)
    video = page.put(
        "SaveVideo", 330 + VIDEO_PX, "The head, turning", video=orbit["video"], filename_prefix="sat3d/orbit"
    )
    viewer = page.put("Preview3D", 380, "The mesh: drag to turn", model_file=mesh["model_file"])
    page.column(1400, 280)
    depth = page.put("PreviewImage", 400, "Depth", images=orbit["depth"])
    page.group("What this is", note, model)
    page.group("Who, and the edit", source, reference, edit)
    page.group("Video and mesh", orbit, mesh)
    page.group("Result", video, viewer, depth)
    return page


def fronts(kinds: Kinds) -> Graph:
    faces = ("source", "reference", "edit")
    graph = Graph("Three Fronts", kinds, {"model": "EG3D_MODEL", **dict.fromkeys(faces, "EG3D_LATENT")})
    graph.description = "Source, reference and edit from the front."
    views = {
        face: graph.add(
            "RenderOrbit",
            (0, 520 * i),
            (330, 470),
            f"See the {face}",
            model=graph.input("model"),
            latent=graph.input(face),
            path="still",
            frames=1,
            yaw_deg=0.0,
            pitch_deg=0.0,
        )
        for i, face in enumerate(faces)
    }
    graph.outputs = {f"{face} picture": view["images"] for face, view in views.items()}
    return graph


def scores(kinds: Kinds) -> Graph:
    page = Page("6 Scores", kinds)
    note = page.put_note(
        400,
        "Did it work?",
        "Numbers for an edit: the reference's glasses on the source.\n\nQMM Score asks an image-text model how much of "
        "each attribute source, reference and edit show. The chart shows the attribute that was moved: there the edit "
        "should stand beside the reference. 'to reference' says that in one number, 'to source' how far all other "
        "attributes moved; small is good in both. Set attribute to 'all' to see every attribute drawn.\n\nCompare "
        "Pictures shows what changed in the picture; D_mean is its mean, 0 to 255. Light, clothes and background "
        "should "
        "stay dark.",
    )
    model = page.load()
    page.column(370, 300)
    source, reference = page.sample(model, 19, "Source"), page.sample(model, 20, "Reference: the glasses")
    edit = page.put(
        "SAT3DTransfer",
        270,
        model=model["model"],
        source=source["latent"],
        reference=reference["latent"],
        attribute="eyeglasses",
    )
    page.column(700, 290)
    views = page.put_graph(
        fronts(kinds),
        130,
        model=model["model"],
        source=source["latent"],
        reference=reference["latent"],
        edit=edit["latent"],
    )
    measured = page.put(
        "QMMScore",
        260,
        source=views["source picture"],
        reference=views["reference picture"],
        edit=views["edit picture"],
        attribute="eyeglasses",
    )
    changed = page.put("SAT3DCompare", 170, before=views["source picture"], after=views["edit picture"])
    page.column(1020, 650)
    chart = page.put("SaveImage", 440, "QMM chart", images=measured["chart"], filename_prefix="sat3d/scores")
    y = page.y
    seen = page.add("PreviewImage", (1020, y), (200, 330), "What changed", images=changed["difference"])
    size = (210, 140)
    mean = page.add("PreviewAny", (1235, y), size, "D_mean, 0 … 255", source=changed["d_mean"])
    near = page.add("PreviewAny", (1235, y + 190), size, "Glasses: to reference", source=measured["to_reference"])
    still = page.add("PreviewAny", (1460, y), size, "All else: to source", source=measured["to_source"])
    text = page.add("PreviewAny", (1460, y + 190), size, "All scores", source=measured["json"])
    page.group("What this is", note, model)
    page.group("Who, and the edit", source, reference, edit)
    page.group("Measure", views, measured, changed)
    page.group("Result", chart, seen, mean, near, still, text)
    return page


def official_ffhq(kinds: Kinds) -> Graph:
    page = Page("7 Official FFHQ", kinds)
    note = page.put_note(
        430,
        "Needs a file: ffhq512-128.pkl",
        "NEEDS A DOWNLOAD. Faces of the official EG3D network, 512 pixels.\n\n"
        "1. Download ffhq512-128.pkl from NVIDIA's catalogue: catalog.ngc.nvidia.com, search for EG3D. Its licence "
        "allows non-commercial use only.\n2. Put it into models/eg3d and press R. The .pkl is read without running "
        "anything in it.\n3. Run. A GPU is advisable; on a CPU lower frames and neural_resolution.\n\nTruncation 0.7 "
        "gives plausible faces. To move attributes here, learn masks for this network with training/train_masks.py and "
        "connect Load Attribute Masks to Transfer Attribute.",
    )
    model = page.put("LoadEG3D", 110, checkpoint=OFFICIAL, models=[OFFICIAL_MODEL])
    licence = page.put("PreviewAny", 210, "The network and its licence", source=model["info"])
    page.column(370, 300)
    four = page.sample(model, 0, "Four people", truncation=0.7, batch_size=4)
    one = page.sample(model, 0, "One of them", truncation=0.7)
    page.column(700, 310)
    front = page.put(
        "RenderOrbit",
        390,
        "From the front",
        model=model["model"],
        latent=four["latent"],
        path="still",
        frames=1,
        yaw_deg=0.0,
        pitch_deg=0.0,
    )
    orbit = page.put("RenderOrbit", 420, "Around", model=model["model"], latent=one["latent"], frames=16, fps=8)
    page.column(1050, 450)
    faces = page.put("SaveImage", 390, "Seeds 0 to 3", images=front["images"], filename_prefix="sat3d/ffhq")
    page.width = 330
    video = page.put("SaveVideo", 330 + VIDEO_PX, "Seed 0, turning", video=orbit["video"], filename_prefix="sat3d/ffhq")
    page.group("Read this first", note, model, licence)
    page.group("Who", four, one)
    page.group("Pictures", front, orbit)
    page.group("Result", faces, video)
    return page


CHECKPOINT = {
    "name": "v1-5-pruned-emaonly-fp16.safetensors",
    "url": "https://huggingface.co/Comfy-Org/stable-diffusion-v1-5-archive/resolve/main/"
    "v1-5-pruned-emaonly-fp16.safetensors",
    "directory": "checkpoints",
}


def mask_of_the_edit(kinds: Kinds) -> Graph:
    graph = Graph("Mask of the Edit", kinds, {"model": "EG3D_MODEL", "source": "EG3D_LATENT", "edit": "EG3D_LATENT"})
    graph.description = "Where an edit changes the picture from the front: a mask for inpainting, and its picture."
    views = [
        graph.add(
            "RenderOrbit",
            (0, 560 * i),
            (310, 500),
            f"See the {face}",
            model=graph.input("model"),
            latent=graph.input(face),
            path="still",
            frames=1,
            yaw_deg=0.0,
            pitch_deg=0.0,
        )
        for i, face in enumerate(("source", "edit"))
    ]
    changed = graph.add(
        "SAT3DCompare", (360, 0), (300, 170), before=views[0]["images"], after=views[1]["images"], gain=8.0
    )
    mask = graph.add("ImageToMask", (360, 230), (300, 70), image=changed["difference"], channel="red")
    grown = graph.add("GrowMask", (360, 360), (300, 90), mask=mask["MASK"], expand=4, tapered_corners=True)
    seen = graph.add("MaskToImage", (360, 510), (300, 50), mask=grown["MASK"])
    graph.outputs = {"mask": grown["MASK"], "picture": seen["IMAGE"]}
    return graph


def refine(kinds: Kinds) -> Graph:
    page = Page("8 Refine", kinds)
    note = page.put_note(
        400,
        "Needs a diffusion model of yours",
        "NEEDS A MODEL. The edited head goes to an image generator of the host, which makes a photograph of it.\n\n"
        "1. Choose a checkpoint in Load Checkpoint: any Stable Diffusion model that you have. The one that is "
        "named here "
        "is free to download.\n2. Run. Only the head is drawn anew (its alpha is the mask); 'denoise' says how "
        "freely: 0.4 "
        "keeps the face, 0.7 invents.\n3. To redraw only what the edit changed, connect 'mask' of Mask of the "
        "Edit to Set "
        "Latent Noise Mask.\n4. Depth and normals guide a ControlNet, if you have one: connect them to Apply "
        "ControlNet, "
        "between the prompts and KSampler.",
    )
    model = page.load()
    page.column(370, 270)
    source, reference = page.sample(model, 19, "Source"), page.sample(model, 40, "Reference: the beard")
    edit = page.put(
        "SAT3DTransfer",
        240,
        model=model["model"],
        source=source["latent"],
        reference=reference["latent"],
        attribute="beard",
    )
    changed = page.put_graph(
        mask_of_the_edit(kinds), 100, model=model["model"], source=source["latent"], edit=edit["latent"]
    )
    page.column(670, 290)
    view = page.put(
        "RenderOrbit",
        430,
        "The head, as a guide",
        model=model["model"],
        latent=edit["latent"],
        path="still",
        frames=1,
        yaw_deg=0.0,
        pitch_deg=0.0,
    )
    y = page.y
    depth = page.add("PreviewImage", (670, y), (135, 230), "Depth", images=view["depth"])
    normals = page.add("PreviewImage", (825, y), (135, 230), "Normals", images=view["normals"])
    mask = page.add("PreviewImage", (670, y + 280), (135, 230), "Edit mask", images=changed["picture"])
    page.column(990, 290)
    loaded = page.put("CheckpointLoaderSimple", 110, ckpt_name=CHECKPOINT["name"], models=[CHECKPOINT])
    wanted = page.put(
        "CLIPTextEncode",
        120,
        "What it shows",
        clip=loaded["CLIP"],
        text="photograph of a man with a full beard, natural skin, soft light, sharp focus, 85 mm",
    )
    unwanted = page.put(
        "CLIPTextEncode",
        100,
        "What it does not",
        clip=loaded["CLIP"],
        text="drawing, render, plastic, blurry, deformed",
    )
    larger = page.put(
        "ImageScale", 135, image=view["images"], upscale_method="lanczos", width=512, height=512, crop="disabled"
    )
    encoded = page.put("VAEEncode", 60, pixels=larger["IMAGE"], vae=loaded["VAE"])
    masked = page.put("SetLatentNoiseMask", 60, samples=encoded["LATENT"], mask=view["alpha"])
    page.column(1310, 330)
    sampled = page.put(
        "KSampler",
        270,
        model=loaded["MODEL"],
        positive=wanted["CONDITIONING"],
        negative=unwanted["CONDITIONING"],
        latent_image=masked["LATENT"],
        seed=0,
        steps=25,
        cfg=6.0,
        sampler_name="dpmpp_2m",
        scheduler="karras",
        denoise=0.5,
    )
    decoded = page.put("VAEDecode", 60, samples=sampled["LATENT"], vae=loaded["VAE"])
    saved = page.put("SaveImage", 400, "The photograph", images=decoded["IMAGE"], filename_prefix="sat3d/refine")
    page.group("Read this first", note, model)
    page.group("Who, and the edit", source, reference, edit, changed)
    page.group("What guides", view, depth, normals, mask)
    page.group("Your model", loaded, wanted, unwanted, larger, encoded, masked)
    page.group("Result", sampled, decoded, saved)
    return page


TEMPLATES: tuple[Callable[[Kinds], Graph], ...] = (
    first_face,
    first_edit,
    six_attributes,
    edit_a_photo,
    orbit_and_mesh,
    scores,
    official_ffhq,
    refine,
)


def edit_a_face_blueprint(kinds: Kinds) -> Graph:
    graph = Graph("Edit a Face", kinds, {"model": "EG3D_MODEL", "source": "EG3D_LATENT", "reference": "EG3D_LATENT"})
    graph.description = "Moves an attribute of the reference onto the source, and shows the edited face from the front."
    edit = graph.add(
        "SAT3DTransfer",
        (0, 0),
        (300, 270),
        model=graph.input("model"),
        source=graph.input("source"),
        reference=graph.input("reference"),
        attribute="beard",
    )
    view = graph.add(
        "RenderOrbit",
        (350, 0),
        (310, 500),
        model=graph.input("model"),
        latent=edit["latent"],
        path="still",
        frames=1,
        yaw_deg=0.0,
        pitch_deg=0.0,
    )
    graph.shown = ((edit, "attribute"), (edit, "intensity"))
    graph.outputs = {"latent": edit["latent"], "picture": view["images"]}
    return graph


def edit_a_photo_blueprint(kinds: Kinds) -> Graph:
    graph = Graph("Edit a Photo", kinds, {"model": "EG3D_MODEL", "photo": "IMAGE", "reference": "EG3D_LATENT"})
    graph.description = "Photo in, photo out: finds the face, inverts it, moves an attribute of the reference onto it."
    face = graph.add("SAT3DAlignFace", (0, 0), (300, 480), image=graph.input("photo"), frame="built-in heads")
    found = graph.add(
        "InvertImage",
        (350, 0),
        (300, 610),
        model=graph.input("model"),
        image=face["crop"],
        place=face["place"],
        steps=30,
    )
    edit = graph.add(
        "SAT3DTransfer",
        (700, 0),
        (300, 270),
        model=graph.input("model"),
        source=found["latent"],
        reference=graph.input("reference"),
        attribute="beard",
    )
    view = graph.add("SAT3DRenderAsTaken", (700, 330), (300, 90), model=graph.input("model"), latent=edit["latent"])
    back = graph.add(
        "SAT3DPasteBack",
        (1050, 0),
        (300, 240),
        photo=graph.input("photo"),
        edited=view["images"],
        before=found["preview"],
        place=face["place"],
    )
    graph.shown = ((face, "frame"), (found, "method"), (found, "steps"), (edit, "attribute"), (edit, "intensity"))
    graph.outputs = {"photo edited": back["image"], "changed": back["changed"], "latent": edit["latent"]}
    return graph


def orbit_video_blueprint(kinds: Kinds) -> Graph:
    graph = Graph("Orbit Video", kinds, {"model": "EG3D_MODEL", "latent": "EG3D_LATENT"})
    graph.description = "Turns a head, and saves the video."
    orbit = graph.add(
        "RenderOrbit", (0, 0), (310, 500), model=graph.input("model"), latent=graph.input("latent"), frames=24, fps=12
    )
    graph.add("SaveVideo", (360, 0), (330, 450), video=orbit["video"], filename_prefix="sat3d/orbit")
    graph.shown = ((orbit, "path"), (orbit, "frames"), (orbit, "yaw_deg"), (orbit, "neural_resolution"))
    graph.outputs = {"images": orbit["images"], "video": orbit["video"]}
    return graph


BLUEPRINTS: tuple[Callable[[Kinds], Graph], ...] = (
    edit_a_face_blueprint,
    edit_a_photo_blueprint,
    orbit_video_blueprint,
)
