#version 330
// Eye: painted ball, shade of the lids, tear line, and the window's image on the cornea.
uniform sampler2D iris_map;
uniform mat3 eye_rotation;
uniform float tears;
uniform vec3 key_direction, key_colour, fill_direction, fill_colour, ambient_sky, ambient_ground, camera;
in vec3 on_ball;
in vec3 in_head;
in vec3 world_normal;
in vec3 world_place;
in vec2 lids;
out vec4 colour;

const float IRIS = 0.50;
const vec3 SHUT = vec3(0.030, 0.014, 0.012); // between lids that all but meet: their shade and the lashes'

void main() {
    vec3 ball = normalize(on_ball);
    vec3 head = normalize(in_head);
    vec3 normal = normalize(world_normal);
    vec3 painted = texture(iris_map, ball.xy * 0.5 + 0.5).rgb;
    painted *= painted;

    painted *= 1.0 - 0.8 * tears * vec3(0.03, 0.30, 0.30) * smoothstep(IRIS - 0.02, IRIS + 0.10, length(ball.xy));

    float arch = head.x * head.x / 0.85;
    float upper = mix(lids.x, -0.12, arch);
    float lower = mix(lids.y, -0.12, arch);
    float shade = 1.0 - 0.62 * smoothstep(upper - 0.42, upper + 0.02, head.y);
    shade *= 1.0 - 0.30 * smoothstep(lower + 0.16, lower - 0.02, head.y);
    shade *= 1.0 - 0.45 * smoothstep(0.35, 0.95, abs(head.x));

    vec3 light = key_colour * max((dot(normal, key_direction) + 0.35) / 1.35, 0.0);
    light += fill_colour * max((dot(normal, fill_direction) + 0.35) / 1.35, 0.0);
    light += mix(ambient_ground, ambient_sky, 0.5 + 0.5 * normal.y);
    vec3 lit = painted * light * shade * 0.92;

    // The cornea bulges: its normals turn half again as fast as the ball's.
    float inside = smoothstep(IRIS + 0.06, IRIS - 0.06, length(ball.xy));
    vec3 axis = eye_rotation[2];
    vec3 wet = normalize(mix(normal, normal + 0.55 * (normal - axis), inside));
    vec3 eye = normalize(camera - world_place);
    float window = smoothstep(0.972, 0.988, dot(wet, normalize(key_direction + eye)));
    float second = smoothstep(0.985, 0.996, dot(wet, normalize(fill_direction + eye)));
    lit += (0.75 * window + 0.18 * second) * mix(0.35, 1.0, inside) * smoothstep(upper + 0.06, upper - 0.10, head.y);
    float brim = 0.06 * tears; // tears stand higher on the lower lid than the film of every eye
    lit += (0.09 + 0.20 * tears) * smoothstep(lower + 0.075 + brim, lower + 0.03 + brim, head.y) * smoothstep(lower - 0.05, lower + 0.02, head.y);
    lit = mix(SHUT, lit, smoothstep(0.04, 0.16, lids.x - lids.y));
    colour = vec4(sqrt(clamp(lit, 0.0, 1.0)), 1.0);
}
