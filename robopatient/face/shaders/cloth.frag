#version 330
// Cloth with a hem along its edge.
uniform float hem_width;
in vec4 shaded; // encoded colour; distance from the edge
out vec4 colour;

void main() {
    colour = vec4(shaded.rgb * (shaded.w < hem_width ? 0.89 : 1.0), 1.0);
}
