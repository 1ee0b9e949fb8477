#version 330
uniform mat4 clip;
uniform mat3 eye_rotation, gaze;
in vec3 place;
in vec3 local; // direction from the eye's centre when it looks straight ahead
in vec2 lid; // upper and lower lid edge, as sines over the centre
out vec3 on_ball;
out vec3 in_head;
out vec3 world_normal;
out vec3 world_place;
out vec2 lids;

void main() {
    on_ball = local;
    in_head = gaze * local;
    world_normal = eye_rotation * local;
    world_place = place;
    lids = lid;
    gl_Position = clip * vec4(place, 1.0);
}
