#version 330
// Gown and hair: at rest in the buffer, carried by head and shoulders here, lit at the vertices (they are fine meshes).
uniform mat4 clip;
uniform mat3 head_rotation;
uniform vec3 pivot;
uniform float breath_lift, forward;
uniform vec3 key_direction, key_colour, fill_direction, fill_colour, ambient_sky, ambient_ground, camera;
in vec3 place;
in vec3 normal;
in vec3 along;
in float follows;
in vec3 tint;
in float cover;
in float density;
out vec4 shaded;
out float strands;

void main() {
    vec3 turned = head_rotation * (place - pivot) + pivot;
    vec3 moved = mix(place, turned, follows) + vec3(0.0, breath_lift * (1.0 - follows), forward * follows);
    vec3 facing = normalize(mix(normal, head_rotation * normal, follows));
    vec3 eye = normalize(camera - moved);
    if (dot(facing, eye) < 0.0) facing = -facing;
    vec3 light = key_colour * max((dot(facing, key_direction) + 0.25) / 1.25, 0.0);
    light += fill_colour * max((dot(facing, fill_direction) + 0.25) / 1.25, 0.0);
    light += mix(ambient_ground, ambient_sky, 0.5 + 0.5 * facing.y);

    vec3 strand = mix(along, head_rotation * along, follows);
    float across = dot(strand, normalize(key_direction + eye));
    float gleam = dot(strand, strand) * pow(max(1.0 - across * across, 0.0), 24.0);
    vec3 highlight = key_colour * (0.15 * gleam * max(dot(facing, key_direction) + 0.2, 0.0)) * (0.25 + tint);
    shaded = vec4(sqrt(tint * light + highlight), cover);
    strands = density;
    gl_Position = clip * vec4(moved, 1.0);
}
