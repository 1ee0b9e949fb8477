#version 330
// Hair with streaks along its strands; where it is thin, strands are left out.
uniform float streaks;
in vec4 shaded; // encoded colour; place across the strands, below 0 too
in float strands; // share of them that is there
out vec4 colour;

void main() {
    if (strands < 1.0) {
        float order = 1.5 * abs(fract(shaded.w * 4.0) - 0.5) + 0.5 * abs(fract(shaded.w * 1.7) - 0.5);
        if (strands < order) discard;
    }
    float wave = abs(fract(shaded.w) - 0.5) + abs(fract(shaded.w * 2.618) - 0.5);
    colour = vec4(shaded.rgb * (1.0 - streaks * wave), 1.0);
}
