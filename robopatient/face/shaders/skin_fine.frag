#version 330
// Skin for a GPU: lit per pixel with unit normals; skin.frag is the same light, linearised for a processor.
uniform sampler2D albedo_map;
uniform sampler2D layer_map;
uniform sampler2D detail_map;
uniform vec3 key_direction, key_colour, fill_direction, fill_colour, ambient_sky, ambient_ground, camera;
uniform float slope_limit;
uniform sampler2D body_map; // shares of blood, sweat, tear tracks and red rims
uniform vec3 body; // flush -1 to 1, sweat, tears
in vec3 world_normal;
in vec3 world_place;
in vec2 strength;
in vec2 texel;
in float sky;
out vec4 colour;

const vec3 WRAP = vec3(0.30, 0.12, 0.06);

void main() {
    vec4 albedo = texture(albedo_map, texel);
    vec4 layers = texture(layer_map, texel) * 2.0 - 1.0;
    vec4 detail = texture(detail_map, texel);
    vec4 share = texture(body_map, texel);
    float wet = max(body.y * share.g, body.z * share.b);
    vec2 pores = (detail.xy * 2.0 - 1.0) * (1.0 + 2.2 * body.y * share.g);
    float gloss = min(albedo.a + 0.9 * wet, 1.4);
    vec2 slope = slope_limit * (pores + strength.x * layers.xy + strength.y * layers.zw);
    float crease = dot(strength, detail.zw);

    vec3 smooth_normal = normalize(world_normal);
    vec3 tangent = vec3(smooth_normal.z, 0.0, -smooth_normal.x) * inversesqrt(1e-4 + dot(smooth_normal.xz, smooth_normal.xz));
    vec3 normal = normalize(smooth_normal - slope.x * tangent - slope.y * cross(smooth_normal, tangent));
    vec3 soft_normal = normalize(smooth_normal + 0.55 * normal);
    vec3 eye = normalize(camera - world_place);

    vec3 skin = albedo.rgb * albedo.rgb;
    float red = max(body.x, 0.0) * share.r + 0.7 * body.z * share.a;
    skin *= 1.0 - min(red, 1.0) * vec3(-0.03, 0.33, 0.34);
    float grey = dot(skin, vec3(0.30, 0.55, 0.15));
    skin += 0.75 * max(-body.x, 0.0) * share.r * (grey * vec3(1.05, 1.03, 0.94) + 0.03 - skin);
    skin *= (1.0 - 0.12 * wet) * (1.0 - vec3(0.30, 0.37, 0.39) * crease);
    float sun = sky * 0.55 + 0.45;
    vec3 facing = vec3(dot(soft_normal, key_direction), vec2(dot(normal, key_direction)));
    vec3 light = key_colour * sun * max((facing + WRAP) / (1.0 + WRAP), 0.0);
    light += fill_colour * sun * max((dot(soft_normal, fill_direction) + 0.2) / 1.2, 0.0);
    vec3 ambient = mix(ambient_ground, ambient_sky, 0.5 + 0.5 * normal.y);
    light += ambient * mix(vec3(1.0, 0.92, 0.90) * sky * sky, vec3(1.0), sky);

    vec3 halfway = normalize(key_direction + eye);
    float edge = 1.0 - max(dot(normal, eye), 0.0);
    float fresnel = 0.040 + 0.30 * edge * edge * edge * edge * edge;
    float tight = pow(max(dot(soft_normal, halfway), 0.0), 12.0 + 40.0 * gloss);
    vec3 shine = key_colour * sun * fresnel * tight * (1.6 + 8.0 * gloss);
    shine = (1.0 + 1.6 * wet) * (shine + ambient_sky * fresnel * 0.7 * sky);
    colour = vec4(sqrt(clamp(skin * light + shine * (1.0 - 0.6 * crease), 0.0, 1.0)), 1.0);
}
