#version 330
// A band of ten vertices from the picture's edge outwards: nothing of the room is seen beside a projected picture.
uniform vec2 corners[4];

void main() {
    vec2 corner = corners[(gl_VertexID >> 1) & 3];
    vec2 middle = 0.25 * (corners[0] + corners[1] + corners[2] + corners[3]);
    gl_Position = vec4((gl_VertexID & 1) == 0 ? corner : middle + 40.0 * (corner - middle), 0.0, 1.0);
}
