#include "buttons.h"

#include "config.h"
#include "hal.h"

#define N_LINES 8
#define REST_US 10000UL
#define STUCK_US 10000000UL

static uint8_t down, seen, moving, stuck;
static uint32_t moved_us[N_LINES], changed_us[N_LINES];

void buttons_init(void)
{
    down = seen = moving = stuck = 0;
}

bool buttons_poll(uint32_t now_us, struct button_event *event)
{
    uint8_t lines = hal_buttons() & (BUTTONS);
    for (uint8_t line = 0; line < N_LINES && (BUTTONS) >> line; line++) {
        uint8_t bit = (uint8_t)(1 << line);
        if ((lines ^ seen) & bit) {
            seen ^= bit;
            changed_us[line] = now_us;
            if (!(moving & bit))
                moved_us[line] = now_us;
            moving |= bit;
        }
        if ((down & bit) && !(moving & bit) && now_us - moved_us[line] >= STUCK_US)
            stuck |= bit;
        if (!(moving & bit) || now_us - changed_us[line] < REST_US)
            continue;
        moving &= (uint8_t)~bit;
        if (!((seen ^ down) & bit))
            continue;
        down ^= bit;
        stuck &= (uint8_t)~bit;
        event->t_us = moved_us[line];
        event->line = line;
        event->pressed = down & bit;
        return true;
    }
    return false;
}

uint8_t buttons_down(void)
{
    return down;
}

uint8_t buttons_stuck(void)
{
    return stuck;
}
