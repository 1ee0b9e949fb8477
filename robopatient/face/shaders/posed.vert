#version 330
// Teeth, tongue, lashes, and skin on a GPU: vertices arrive posed, in dm.
uniform mat4 clip;
in vec3 place;
in vec3 normal;
in vec2 wrinkle;
in vec2 uv;
in float open_sky;
out vec3 world_normal;
out vec3 world_place;
out vec2 strength;
out vec2 texel;
out float sky;

void main() {
    world_normal = normal;
    world_place = place;
    strength = wrinkle;
    texel = uv;
    sky = open_sky;
    gl_Position = clip * vec4(place, 1.0);
}
