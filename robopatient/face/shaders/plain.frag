#version 330
// Teeth, tongue and lashes: one colour each. gap > 0 darkens between teeth, fade > 0 makes lashes of a strip.
uniform vec3 key_direction, key_colour, fill_direction, fill_colour, ambient_sky, ambient_ground, camera;
uniform vec3 tint;
uniform float gloss, fade, gap;
in vec3 world_normal;
in vec3 world_place;
in vec2 strength;
in vec2 texel;
in float sky;
out vec4 colour;

void main() {
    vec3 normal = normalize(world_normal);
    if (normal.z < 0.0) normal = -normal;
    vec3 eye = normalize(camera - world_place);
    vec3 light = key_colour * max((dot(normal, key_direction) + 0.2) / 1.2, 0.0);
    light += fill_colour * max((dot(normal, fill_direction) + 0.2) / 1.2, 0.0);
    light += mix(ambient_ground, ambient_sky, 0.5 + 0.5 * normal.y);
    float shine = gloss * pow(max(dot(normal, normalize(key_direction + eye)), 0.0), 40.0);
    float between = abs(texel.x - round(texel.x));
    light *= 1.0 - gap * (1.0 - smoothstep(0.02, 0.14, between));
    float alpha = fade > 0.0 ? fade * (1.0 - smoothstep(0.0, 1.0, texel.x)) * smoothstep(-0.7, -0.1, texel.x) : 1.0;
    colour = vec4(sqrt(clamp((tint * light + shine) * sky, 0.0, 1.0)), alpha);
}
