"""The face in OpenGL 3.3: headless through EGL, or into a framebuffer of somebody else's context (a Qt window).

A shader per material; vertices are posed on the CPU and sent once a frame. Two tiers: on a processor the skin's light
is linear in its slopes and nothing smooths edges; a graphics card lights every pixel and takes four samples of it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from importlib import resources
from typing import Any

import numpy as np

from robopatient.errors import DeviceError, require
from robopatient.face import light
from robopatient.face.bodies.head import OwnHead
from robopatient.face.body import body_map
from robopatient.face.carried import Carried
from robopatient.face.gl_device import emulated
from robopatient.face.identity import FaceIdentity
from robopatient.face.keystone import SQUARE, apply
from robopatient.face.material import GUM, HEM_DM, LASH, STREAKS, TEETH, TONGUE, TOOTH_GAP
from robopatient.face.mesh import Material
from robopatient.face.scene import load_scene
from robopatient.face.texels import HALF_TEXTURES_PX, SLOPE_LIMIT
from robopatient.messages import FacePose

__all__ = ["GlRenderer"]

FRAME_FLOATS = 8
"""Per drawn vertex and frame: place (3), normal (3), wrinkle strength (2)."""


SAMPLES = 4
"""Of a pixel's edge on a graphics card."""

ERROR_FLAGS = 8
"""How many of OpenGL may be up at once (OpenGL 4.6 core, 2.3.1: a driver may keep several; a lost one never ends)."""

BODY_UNIT = 4
"""Texture unit of the body map, after the four of every identity."""

FEW_CORES = 2
"""On so few cores a single rasteriser thread draws a picture for a sixth less processor time than two, and leaves
the other core to the voice."""


class GlRenderer:
    """OpenGL renderer.

    Parameters
    ----------
    identity
        Whose face.
    size_px
        Height of the picture of ``draw``.
    look
        View, light, background and keystone.
    context
        An existing moderngl context that is current; a headless EGL one is made when absent.
    fine
        Whether to draw for a graphics card; None asks the device.

    Raises
    ------
    DeviceError
        When no context can be made, or the driver refuses what a picture of this size needs.
    """

    kind = "gl"

    def __init__(
        self,
        identity: FaceIdentity | OwnHead,
        size_px: int,
        context: Any = None,
        look: light.Look | None = None,
        fine: bool | None = None,
    ) -> None:
        self.look = look or light.Look()
        self._gl = require("moderngl", "face")
        self._scene = load_scene(identity)
        self._owned = context is None
        self._context = context or self._headless()
        self.device = str(self._context.info["GL_RENDERER"])
        self.fine = not emulated(self.device) if fine is None else fine
        self._samples = min(SAMPLES, self._context.max_samples) if self.fine else 0
        self._target: Any = None
        self._resolved: Any = None
        self._textures: list[Any] = []
        self._body: Any = None
        self._body_skin: Any = None
        self._body_array: Any = None
        self._skin_array: Any = None
        self._halvings = -1
        self._programs: list[Any] = []
        self._worn: list[Any] = []
        try:
            with self._at_work("preparing the face"):
                self._compile()
                self._dress()
            self.resize(size_px)
        except DeviceError:
            self.close()
            raise

    def wear(self, identity: FaceIdentity | OwnHead) -> None:
        """Draw another face from now on; context, shaders and pictures stay, which is what takes long to make."""
        scene = load_scene(identity)
        with self._at_work("changing the face"):
            self._scene = scene
            for part in self._worn:
                part.release()
            self._worn.clear()
            self._body_array = None
            self._dress()
            self._load_textures()

    def resize(self, size_px: int) -> None:
        """Draw pictures of another size from now on.

        Raises
        ------
        DeviceError
            When the driver refuses: make another renderer.
        """
        with self._at_work(f"making room for {size_px} px"):
            self._resize(size_px)

    @contextmanager
    def _at_work(self, doing: str) -> Iterator[None]:
        """While the own context is the current one: several renderers may take turns in a thread.

        What the driver objects to meanwhile is told as a ``DeviceError``; a flag that was up before is none of it.
        """
        with self._context if self._owned else nullcontext():
            try:
                for _ in range(ERROR_FLAGS):
                    if self._context.error == "GL_NO_ERROR":
                        break
                yield
                error = self._context.error
            except self._gl.Error as refused:
                raise self._failure(doing, str(refused)) from refused
            if error != "GL_NO_ERROR":
                raise self._failure(doing, error)

    def _failure(self, doing: str, error: str) -> DeviceError:
        return DeviceError(f"OpenGL on {self.device} failed while {doing} ({error}); make another renderer")

    def _resize(self, size_px: int) -> None:
        context, size = self._context, (self.look.width_px(size_px), size_px)
        old = {self._target, self._resolved} - {None}

        def target_of(samples: int) -> Any:
            colour = context.renderbuffer(size, 4, samples=samples)
            return context.framebuffer([colour], context.depth_renderbuffer(size, samples=samples))

        self._target = target_of(self._samples)
        self._resolved = target_of(0) if self._samples else self._target
        self._target.use()  # moderngl binds what was bound before again and again: never what is released now
        for target in old:
            for part in (target, *target.color_attachments, target.depth_attachment):
                part.release()
        self.size_px = size_px
        self._pixels = bytearray(size[0] * size[1] * self.look.channels)
        halvings = 1 if size_px <= HALF_TEXTURES_PX else 0
        if halvings != self._halvings:
            if self._body is not None:
                self._body.release()
                self._body = None
            self._halvings = halvings
            self._load_textures()

    def _load_textures(self) -> None:
        for texture in self._textures:
            texture.release()
        maps = self._scene.textures(self._halvings, self.look.light == "mask")
        self._textures = [self._texture(image, self._halvings) for image in maps]

    def draw(self, pose: FacePose) -> np.ndarray:
        """Picture of a pose, shape (size, width, 3) uint8, top row first; 4 channels on a transparent background.

        Raises
        ------
        DeviceError
            When the driver failed, as with a lost context: make another renderer.
        """
        channels = self.look.channels
        with self._at_work("drawing"):
            self.draw_into(self._target, pose)
            if self._resolved is not self._target:
                self._context.copy_framebuffer(self._resolved, self._target)
            self._resolved.read_into(self._pixels, components=channels, alignment=1)
        flipped = np.frombuffer(self._pixels, np.uint8).reshape(self.size_px, -1, channels)
        return flipped[::-1].copy()

    def draw_into(self, target: Any, pose: FacePose) -> None:
        """Draw a pose into a framebuffer of this renderer's context, over its whole viewport."""
        frame = self._scene.frame(pose)
        gl, context = self._gl, self._context
        self._moving.write(frame.vertices)
        self._eye_moving.write(np.ascontiguousarray(frame.vertices[self._scene.eye_vertices]))
        self._lids.write(frame.eye_lids)
        _put(self._eye, eye_rotation=frame.eye_rotation.T, gaze=frame.gaze.T, tears=pose.body[2])
        for program in (self._cloth, self._hair):
            _put(
                program, head_rotation=frame.head_rotation.T, breath_lift=frame.breath_lift_dm,
                forward=frame.forward_dm,
            )  # fmt: skip

        target.use()
        transparent = self.look.background == "transparent"
        target.clear(0.0, 0.0, 0.0, 0.0 if transparent else 1.0, depth=1.0)
        context.disable(gl.BLEND)
        context.enable(gl.DEPTH_TEST)
        context.front_face = "cw" if self.look.mirrored else "ccw"
        for unit, texture in enumerate(self._textures):
            texture.use(unit)
        for array, program, uniforms, one_sided in self._arrays:  # the nearest first: what they hide is never shaded
            (context.enable if one_sided else context.disable)(gl.CULL_FACE)
            if program is self._skin:
                self._draw_skin(pose)
                continue
            _put(program, **uniforms)
            array.render()
        context.disable(gl.CULL_FACE)
        if not transparent:
            self._backdrop.render(gl.TRIANGLE_STRIP, vertices=4)
        context.enable(gl.BLEND)
        context.blend_func = gl.SRC_ALPHA, gl.ONE_MINUS_SRC_ALPHA, gl.ONE, gl.ONE
        self._lashes.render()
        context.disable(gl.BLEND)
        if self.look.curtained:
            context.disable(gl.DEPTH_TEST)
            self._curtain.render(gl.TRIANGLE_STRIP, vertices=10)

    def _draw_skin(self, pose: FacePose) -> None:
        """Skin with blood, sweat and tears where the pose shows any: their look-up costs a tenth of the picture."""
        if not (self.fine or any(pose.body)):
            self._skin_array.render()
            return
        if self._body is None:
            self._body = self._texture(body_map(self._halvings), self._halvings)
        if self._body_skin is None:
            self._body_skin = self._skin if self.fine else self._skin_program(body=True)
            self._aim(self._body_skin)
        if self._body_array is None:
            self._body_array = self._skin_array if self.fine else self._skin_array_of(self._body_skin)
        self._body.use(BODY_UNIT)
        _put(self._body_skin, body=pose.body, body_map=BODY_UNIT)
        self._body_array.render()

    def close(self) -> None:
        """Release what was made here; the context too, unless it was given."""
        if self._owned:
            self._context.release()

    def _headless(self) -> Any:
        if (os.cpu_count() or 1) <= FEW_CORES:  # read by Mesa's llvmpipe, by nothing else
            os.environ.setdefault("LP_NUM_THREADS", "1")
        try:
            return self._gl.create_standalone_context(backend="egl", require=330)
        except Exception as error:  # whatever glcontext or the driver throws
            raise DeviceError(
                f"no headless OpenGL 3.3 context ({error}); install libegl1 and libgl1-mesa-dri, "
                'or set face.renderer = "numba"'
            ) from error

    def _compile(self) -> None:
        """Everything that no identity changes."""
        context = self._context
        self._skin = self._skin_program()
        self._plain = self._program("posed", "plain")
        self._lash = self._program("posed", "plain")
        self._eye = self._program("eye", "eye")
        self._cloth = self._program("carried", "cloth")
        self._hair = self._program("carried", "hair")
        backdrop = self._program("backdrop", "backdrop")
        top, bottom = light.BACKGROUNDS[self.look.background]
        _put(backdrop, top=top, bottom=bottom, keystone=np.array(self.look.keystone).T)
        self._backdrop = context.vertex_array(backdrop, [])
        curtain = self._program("curtain", "curtain")
        corners = apply(self.look.keystone, np.array(SQUARE))
        _put(curtain, corners=corners, alpha=0.0 if self.look.background == "transparent" else 1.0)
        self._curtain = context.vertex_array(curtain, [])
        _put(self._eye, iris_map=3)

    def _dress(self) -> None:
        """Buffers of one identity."""
        scene = self._scene
        for program in self._programs:
            self._aim(program)
        for program in (self._cloth, self._hair):
            _put(program, pivot=scene.head.head_joint)
        _put(self._lash, tint=LASH, gloss=0.0, gap=0.0, fade=1.0)
        self._moving = self._buffer(reserve=len(scene.uv) * FRAME_FLOATS * 4, dynamic=True)
        self._lids = self._buffer(reserve=len(scene.eye_vertices) * 8, dynamic=True)
        self._fixed = self._buffer(np.column_stack([scene.uv, scene.open_sky]).astype("f4").tobytes())
        lash = self._buffer(np.column_stack([scene.lashes, np.ones(len(scene.lashes))]).astype("f4").tobytes())

        def carried_array(program: Any, carried: Carried) -> Any:
            layout = ("3f place", "3f normal", "3f along", "1f follows", "3f tint", "1f cover", "1f density")
            content = [_content(program, self._buffer(carried.vertices.tobytes()), layout)]
            return self._vertex_array(program, content, carried.triangles)

        teeth = {"tint": TEETH, "gum": GUM, "gloss": 0.25, "fade": 0.0, "gap": TOOTH_GAP}
        tongue = {"tint": TONGUE, "gloss": 0.15, "fade": 0.0, "gap": 0.0}
        self._skin_array = self._skin_array_of(self._skin)
        self._arrays: list[tuple[Any, Any, dict[str, Any], bool]] = [
            (carried_array(self._cloth, scene.gown), self._cloth, {"hem_width": HEM_DM}, False),
            (self._skin_array, self._skin, {}, True),
            (self._eye_array(), self._eye, {}, True),
            (self._head_array(self._plain, scene.parts[Material.TEETH], self._fixed), self._plain, teeth, False),
            (self._head_array(self._plain, scene.parts[Material.TONGUE], self._fixed), self._plain, tongue, False),
        ]
        if len(scene.hair.triangles):
            hair = (carried_array(self._hair, scene.hair), self._hair, {"streaks": STREAKS}, False)
            self._arrays.insert(0, hair)
        self._lashes = self._head_array(self._lash, scene.parts[Material.LASH], lash)

    def _skin_program(self, body: bool = False) -> Any:
        """Shader of the skin: the graphics card's, or the processor's with or without what the body does."""
        if self.fine:
            program = self._program("posed", "skin_fine")
        else:
            program = self._program("skin", "skin", "#define BODY\n" if body else "")
        _put(program, albedo_map=0, layer_map=1, detail_map=2, slope_limit=SLOPE_LIMIT)
        return program

    def _skin_array_of(self, program: Any) -> Any:
        return self._head_array(program, self._scene.parts[Material.SKIN], self._fixed)

    def _head_array(self, program: Any, triangles: np.ndarray, static: Any) -> Any:
        content = [
            _content(program, self._moving, ("3f place", "3f normal", "2f wrinkle")),
            _content(program, static, ("2f uv", "1f open_sky")),
        ]
        return self._vertex_array(program, content, triangles)

    def _buffer(self, *content: Any, **named: Any) -> Any:
        self._worn.append(self._context.buffer(*content, **named))
        return self._worn[-1]

    def _vertex_array(self, program: Any, content: list[Any], triangles: np.ndarray) -> Any:
        corners = self._buffer(np.ascontiguousarray(triangles, "i4").tobytes())
        self._worn.append(self._context.vertex_array(program, content, corners))
        return self._worn[-1]

    def _eye_array(self) -> Any:
        scene = self._scene
        corners = np.searchsorted(scene.eye_vertices, scene.parts[Material.EYE]).astype("i4")
        self._eye_moving = self._buffer(reserve=len(scene.eye_vertices) * FRAME_FLOATS * 4, dynamic=True)
        content = [
            _content(self._eye, self._eye_moving, ("3f place", "3f normal", "2f wrinkle")),
            _content(self._eye, self._buffer(scene.eye_local.tobytes()), ("3f local",)),
            _content(self._eye, self._lids, ("2f lid",)),
        ]
        return self._vertex_array(self._eye, content, corners)

    def _program(self, vertex: str, fragment: str, define: str = "") -> Any:
        folder = resources.files("robopatient.face.shaders")
        version, _, rest = (folder / f"{fragment}.frag").read_text().partition("\n")
        program = self._context.program(
            vertex_shader=(folder / f"{vertex}.vert").read_text(),
            fragment_shader=f"{version}\n{define}{rest}",
        )
        _put(program, **light.LIGHTS[self.look.light]._asdict())
        self._programs.append(program)
        return program

    def _aim(self, program: Any) -> None:
        """Point the camera at the eyes of the identity in hand."""
        eyes_dm = self._scene.eyes_dm
        _put(program, clip=light.clip_matrix(eyes_dm, self.look).T, camera=light.camera_dm(eyes_dm, self.look))

    def _texture(self, image: np.ndarray, halvings: int) -> Any:
        rows, columns, channels = image.shape
        texture = self._context.texture((columns, rows), channels, image.tobytes(), alignment=1)
        if halvings:
            texture.filter = self._gl.LINEAR, self._gl.LINEAR  # one level fits the picture: no choice at each fragment
        else:
            texture.build_mipmaps()
            smooth = self._gl.LINEAR_MIPMAP_LINEAR if self.fine else self._gl.LINEAR_MIPMAP_NEAREST
            texture.filter = smooth, self._gl.LINEAR  # between levels too: twice the look-ups
        texture.repeat_x = texture.repeat_y = False
        return texture


def _put(program: Any, **uniforms: Any) -> None:
    """Set the uniforms that the program has; the compiler drops those it does not use."""
    for name, value in uniforms.items():
        if name in program:
            if isinstance(value, np.ndarray):
                program[name].write(np.ascontiguousarray(value, np.float32).tobytes())
            else:
                program[name].value = value


def _content(program: Any, buffer: Any, layout: tuple[str, ...]) -> tuple[Any, ...]:
    """Vertex layout of a buffer; attributes that the program does not read are skipped over."""
    formats, names = [], []
    for entry in layout:
        form, name = entry.split()
        if name in program:
            formats.append(form)
            names.append(name)
        else:
            formats.append(f"{4 * int(form[0])}x")
    return (buffer, " ".join(formats), *names)
