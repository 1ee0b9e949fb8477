#version 330
// Cloth: matte, with a hem along its edge. Hair: lit as strands, with a highlight across them.
uniform vec3 key_direction, key_colour, fill_direction, fill_colour, ambient_sky, ambient_ground, camera;
uniform float hem_width;
in vec3 world_normal;
in vec3 world_along;
in vec3 world_place;
in vec3 base;
in float covered;
out vec4 colour;

void main() {
    if (covered < 0.0) discard;
    vec3 normal = normalize(world_normal);
    vec3 eye = normalize(camera - world_place);
    if (dot(normal, eye) < 0.0) normal = -normal;
    vec3 light = key_colour * max((dot(normal, key_direction) + 0.25) / 1.25, 0.0);
    light += fill_colour * max((dot(normal, fill_direction) + 0.25) / 1.25, 0.0);
    light += mix(ambient_ground, ambient_sky, 0.5 + 0.5 * normal.y);
    float strand = length(world_along);
    vec3 shine = vec3(0.0);
    if (strand > 0.1) {
        float across = dot(world_along / strand, normalize(key_direction + eye));
        shine = key_colour * 0.15 * pow(max(1.0 - across * across, 0.0), 24.0) * max(dot(normal, key_direction) + 0.2, 0.0) * (0.25 + base);
        light *= 0.84 + 0.16 * sin(covered * 17.0) * sin(covered * 7.3);
    }
    float hem = hem_width > 0.0 ? 1.0 - 0.22 * (1.0 - smoothstep(hem_width, hem_width + 0.012, covered)) : 1.0;
    colour = vec4(sqrt(clamp(base * light * hem + shine, 0.0, 1.0)), 1.0);
}
