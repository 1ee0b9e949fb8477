#version 330
// Cloth with a hem along its edge (hem_width > 0), or hair with streaks across its ribbons (streaks > 0).
uniform float hem_width, streaks;
in vec3 lit;
in vec3 highlight;
in float covered;
out vec4 colour;

void main() {
    if (covered < 0.0) discard;
    float shade = covered < hem_width ? 0.80 : 1.0;
    shade -= streaks * (0.5 + 0.5 * sin(covered * 17.0));
    colour = vec4(sqrt(lit * shade + highlight), 1.0);
}
