#version 330
// Gown and hair: at rest in the buffer, carried by head and shoulders here.
uniform mat4 clip;
uniform mat3 head_rotation;
uniform vec3 pivot;
uniform float breath_lift;
in vec3 place;
in vec3 normal;
in vec3 along;
in float follows;
in vec3 tint;
in float cover;
out vec3 world_normal;
out vec3 world_along;
out vec3 world_place;
out vec3 base;
out float covered;

void main() {
    vec3 turned = head_rotation * (place - pivot) + pivot;
    vec3 moved = mix(place, turned, follows) + vec3(0.0, breath_lift * (1.0 - follows), 0.0);
    world_normal = mix(normal, head_rotation * normal, follows);
    world_along = mix(along, head_rotation * along, follows);
    world_place = moved;
    base = tint;
    covered = cover;
    gl_Position = clip * vec4(moved, 1.0);
}
