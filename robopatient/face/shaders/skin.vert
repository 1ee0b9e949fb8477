#version 330
// Skin for a processor: dot products of the light with the vertex's frame, so that a fragment only adds them up.
uniform mat4 clip;
uniform vec3 key_direction, fill_direction, camera;
in vec3 place;
in vec3 normal;
in vec2 wrinkle;
in vec2 uv;
in float open_sky;
out vec4 key; // with normal, tangent and upward tangent; open sky
out vec4 fill; // the same; normal's height
out vec4 shine; // the same with the half vector; Fresnel reflectance
out vec4 texel; // texture place, strength of the two wrinkle layers

void main() {
    vec3 tangent = vec3(normal.z, 0.0, -normal.x) * inversesqrt(1e-4 + dot(normal.xz, normal.xz));
    mat3 frame = mat3(normal, tangent, cross(normal, tangent));
    vec3 eye = normalize(camera - place);
    float edge = 1.0 - max(dot(normal, eye), 0.0);
    key = vec4(key_direction * frame, open_sky);
    fill = vec4(fill_direction * frame, normal.y);
    shine = vec4(normalize(key_direction + eye) * frame, 0.040 + 0.30 * edge * edge * edge * edge * edge);
    texel = vec4(uv, wrinkle);
    gl_Position = clip * vec4(place, 1.0);
}
