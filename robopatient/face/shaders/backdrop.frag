#version 330
uniform vec3 top, bottom;
in float down;
out vec4 colour;

void main() {
    colour = vec4(mix(top, bottom, down), 1.0);
}
