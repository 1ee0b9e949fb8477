#version 330
// Skin for a processor: three texture look-ups, two lights, red light bleeding past the terminator, a soft highlight.
// As skin_fine.frag, with the light's angles linear in the slope: no vector is normalised and no power taken here.
uniform sampler2D albedo_map;
uniform sampler2D layer_map;
uniform sampler2D detail_map;
uniform vec3 key_colour, fill_colour, ambient_sky, ambient_ground;
uniform float slope_limit;
#ifdef BODY
uniform sampler2D body_map; // shares of blood, sweat, tear tracks and red rims
uniform vec3 body; // flush -1 to 1, sweat, tears
#endif
in vec4 key;
in vec4 fill;
in vec4 shine;
in vec4 texel;
out vec4 colour;

const vec3 WRAP = vec3(0.30, 0.12, 0.06);
const float SOFT = 0.645; // of the slope, 1 / (1 + 0.55), is left away in the softened normal

void main() {
    vec4 albedo = texture(albedo_map, texel.xy);
    vec4 layers = texture(layer_map, texel.xy) * 2.0 - 1.0;
    vec4 detail = texture(detail_map, texel.xy);
    vec2 pores = detail.xy * 2.0 - 1.0;
#ifdef BODY
    vec4 share = texture(body_map, texel.xy);
    float wet = max(body.y * share.g, body.z * share.b);
    pores *= 1.0 + 2.2 * body.y * share.g;
    albedo.a = min(albedo.a + 0.9 * wet, 1.4);
#endif
    vec2 slope = slope_limit * (pores + texel.z * layers.xy + texel.w * layers.zw);
    float crease = dot(texel.zw, detail.zw);
    float upright = inversesqrt(1.0 + dot(slope, slope));
    vec2 soft_slope = (1.0 - SOFT) * upright * slope;

    float sky = key.w;
    float sun = 0.45 + 0.55 * sky;
    float soft_key = key.x - dot(soft_slope, key.yz);
    float hard_key = upright * (key.x - dot(slope, key.yz));
    vec3 light = key_colour * (sun * max((vec3(soft_key, hard_key, hard_key) + WRAP) / (1.0 + WRAP), 0.0));
    light += fill_colour * (sun * max((fill.x - dot(soft_slope, fill.yz) + 0.2) / 1.2, 0.0));
    float up = upright * (fill.w - slope.y * (1.0 - 0.5 * fill.w * fill.w));
    vec3 ambient = mix(ambient_ground, ambient_sky, 0.5 + 0.5 * up);
    light += ambient * (vec3(1.0, 0.92, 0.90) * (sky * sky * (1.0 - sky)) + sky);

    float off = max(1.0 - shine.x + dot(soft_slope, shine.yz), 0.0);
    float tight = exp2(-(17.3 + 57.7 * albedo.a) * off * (1.0 + 0.5 * off)); // cos ^ (12 + 40 gloss)
    vec3 gleam = (sun * tight * (1.6 + 8.0 * albedo.a)) * key_colour + (0.7 * sky) * ambient_sky;
    vec3 skin = albedo.rgb * albedo.rgb;
#ifdef BODY
    float red = max(body.x, 0.0) * share.r + 0.7 * body.z * share.a;
    skin *= 1.0 - min(red, 1.0) * vec3(-0.03, 0.33, 0.34);
    float grey = dot(skin, vec3(0.30, 0.55, 0.15));
    skin += 0.75 * max(-body.x, 0.0) * share.r * (grey * vec3(1.05, 1.03, 0.94) + 0.03 - skin);
    skin *= 1.0 - 0.12 * wet;
    gleam *= 1.0 + 1.6 * wet;
#endif
    skin *= 1.0 - vec3(0.30, 0.37, 0.39) * crease;
    colour = vec4(sqrt(skin * light + gleam * (shine.w * (1.0 - 0.6 * crease))), 1.0);
}
