#version 330
// Teeth, tongue and lashes: one colour each. gap > 0 makes teeth and gum of a wall, fade > 0 lashes of a strip.
uniform vec3 key_direction, key_colour, fill_direction, fill_colour, ambient_sky, ambient_ground, camera;
uniform vec3 tint, gum;
uniform float gloss, gap;
uniform float fade; // 1 for lashes: texel is then the place across them and their density
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
    vec3 own = tint;
    if (gap > 0.0) {
        float between = 2.0 * abs(texel.x - round(texel.x)); // 0 in the gap, 1 in the middle of a tooth
        float margin = mix(0.40, 0.56, smoothstep(0.0, 0.8, between));
        float covered = smoothstep(margin - 0.03, margin + 0.03, texel.y);
        float notch = smoothstep(0.0, 0.08, texel.y) + smoothstep(0.0, 0.45, between);
        light *= mix((1.0 - gap * (1.0 - smoothstep(0.0, 0.6, between))) * min(0.35 + notch, 1.0), 1.0, covered);
        own = mix(tint, gum, covered);
        shine *= 1.0 - covered;
    }
    float alpha = fade > 0.0 ? texel.y * (1.0 - smoothstep(0.0, 1.0, texel.x)) * smoothstep(-0.7, -0.1, texel.x) : 1.0;
    colour = vec4(sqrt(clamp((own * light + shine) * sky, 0.0, 1.0)), alpha);
}
