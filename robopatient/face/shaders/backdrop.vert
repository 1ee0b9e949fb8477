#version 330
// Two triangles over the whole picture.
out float down;

void main() {
    vec2 corner = vec2(gl_VertexID & 1, gl_VertexID >> 1);
    down = 1.0 - corner.y;
    gl_Position = vec4(corner * 2.0 - 1.0, 0.999, 1.0);
}
