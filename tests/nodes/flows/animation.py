"""Faces that follow a video: an edited one the clip that ships, and any of the user's own."""

from __future__ import annotations

from .builder import Graph
from .page import VIDEO_PX, Kinds, Page

VIDEO = "sat3d_driver.mp4"  # comes with the pack
BUILT_IN_HEADS = "built-in heads"


def animate_a_face(kinds: Kinds) -> Graph:
    page = Page("5b Animate a face", kinds)
    note = page.put_note(
        370,
        "Your video moves this head",
        "Press Run: the clip, two seconds of a rendered head, moves the edited one. Then choose a video of yours at "
        "Load Video: one face that is seen well, speaking or making faces. Drive reads its expression, gaze and pose; "
        "Animate Face puts them onto the head, with the video's sound.\n\n"
        "view = orbit shows the same from a moving camera. mode = relative adds to the head's own expression. The "
        "sliders say how much of each is taken over.\n\nOf another generator the first run learns what moves its "
        "faces, once, in a few minutes. The built-in heads are drawings: of a mouth they show the shape, not teeth.",
    )
    model = page.load()
    page.column(370, 300)
    source, reference = page.sample(model, 36, "Who is driven"), page.sample(model, 45, "Reference: the beard")
    edit = page.edit(model, source["latent"], reference, "beard")
    page.column(700, 310)
    film = page.put("LoadVideo", 310, "The driver, or your video", file=VIDEO)
    drive = page.put("SAT3DDrive", 230, video=film["VIDEO"], frame=BUILT_IN_HEADS)
    save = page.put("SAT3DSaveMotion", 110, motion=drive["motion"])
    page.column(1040, 310)
    animate = page.put(
        "SAT3DAnimate",
        610,
        model=model["model"],
        latent=edit["latent"],
        motion=drive["motion"],
        audio=drive["audio"],
    )
    page.column(1380, 330)
    shown = page.put(
        "SaveVideo", 330 + VIDEO_PX, "The head, driven", video=animate["video"], filename_prefix="sat3d/animated"
    )
    told = page.put("PreviewAny", 150, "What moved", source=animate["info"])
    page.group("What this is", note, model)
    page.group("Who, and the edit", source, reference, edit)
    page.group("The driver", film, drive, save)
    page.group("Motion onto the face", animate)
    page.group("Result", shown, told)
    return page


def your_video(kinds: Kinds) -> Graph:
    """The shortest way: a video, who is driven, and the video of that head."""
    page = Page("5c Your video", kinds)
    note = page.put_note(
        330,
        "Your own video",
        "1. Choose a video of yours at Load Video: one person, the face seen well. Until then the clip of the pack "
        "plays.\n2. Press Run. Drive reads expression, gaze and pose, Animate Face puts them onto the head, Save Video "
        "saves it with the video's sound.\n3. Change the seed, or connect Load Face or Invert Photo to Face to latent; "
        "for a tuned portrait set 'protect' there to mouth.\n\nLong videos are read and made piece by piece. mode = "
        "relative keeps the head's own smile and view. Does the mouth move too little? Raise 'mouth', or set "
        "'precision' to 10, which takes its time.",
    )
    model = page.load()
    page.column(370, 300)
    film = page.put("LoadVideo", 310, "Your video", file=VIDEO)
    face = page.sample(model, 27, "Who is driven")
    page.column(700, 310)
    drive = page.put("SAT3DDrive", 230, video=film["VIDEO"], frame=BUILT_IN_HEADS)
    told = page.put("PreviewAny", 150, "What was read", source=drive["info"])
    page.column(1040, 310)
    inputs = {"model": model["model"], "latent": face["latent"], "motion": drive["motion"], "audio": drive["audio"]}
    animate = page.put("SAT3DAnimate", 610, **inputs)
    page.column(1380, 330)
    shown = page.put("SaveVideo", 330 + VIDEO_PX, "Your video's head", video=animate["video"],
                     filename_prefix="sat3d/your_video")  # fmt: skip
    page.group("What this is", note, model)
    page.group("Your video, and who is driven", film, face)
    page.group("The driver", drive, told)
    page.group("Motion onto the face", animate)
    page.group("Result", shown)
    return page
