#version 330
// Cloth with a hem along its edge (hem_width > 0), or hair with streaks along its strands (streaks > 0).
uniform float hem_width, streaks;
in vec4 shaded; // encoded colour; distance from the edge, or place across the strands
out vec4 colour;

void main() {
    float wave = abs(fract(shaded.w) - 0.5) + abs(fract(shaded.w * 2.618) - 0.5);
    float shade = (hem_width > 0.0 && shaded.w < hem_width ? 0.89 : 1.0) - streaks * wave; // hair counts below 0 too
    colour = vec4(shaded.rgb * shade, 1.0);
}
