/* Contacts without their bouncing: a line has moved when it has rested for 10 ms, and it moved when it first did. */
#ifndef BUTTONS_H
#define BUTTONS_H

#include <stdbool.h>
#include <stdint.h>

struct button_event {
    uint32_t t_us;
    uint8_t line;
    bool pressed;
};

void buttons_init(void);

/* Look at the lines; true when `*event` is one (ask again: there may be more). */
bool buttons_poll(uint32_t now_us, struct button_event *event);

/* Lines that are down, and those that have been for 10 s. */
uint8_t buttons_down(void);
uint8_t buttons_stuck(void);

#endif
