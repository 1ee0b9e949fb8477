#version 330
// Two triangles over the square picture, wherever its keystone puts it.
uniform mat3 keystone;
out float down;

void main() {
    vec2 corner = vec2(gl_VertexID & 1, gl_VertexID >> 1);
    down = 1.0 - corner.y;
    vec3 place = keystone * vec3(corner * 2.0 - 1.0, 1.0);
    gl_Position = vec4(place.xy, 0.999 * place.z, place.z);
}
