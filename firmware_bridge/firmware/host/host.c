#include "host.h"

#include <stdbool.h>
#include <string.h>

#include "board.h"
#include "cobs.h"
#include "config.h"
#include "crc.h"
#include "hal.h"

#define LINE_BYTES 65536U /* what the test has not fetched yet */
#define TX_BYTES 255U     /* as on the AVR */
#define TURN_US 1000U

static uint32_t now_us, next_conversion_us, reboots;
static uint8_t reset_cause, buttons, memory[HOST_MEMORY_BYTES], broken;
static const uint8_t *incoming;
static uint32_t incoming_left;
static bool receive_error;
static uint8_t tx[TX_BYTES], line[LINE_BYTES];
static uint32_t tx_length, line_length;
static int32_t line_rate = -1;
static int32_t cell_counts[N_CELLS];
static uint16_t dead, ready;
static uint32_t ready_us;

uint32_t hal_now_us(void)
{
    return now_us;
}

bool hal_receive(uint8_t *byte, uint32_t *arrived_us)
{
    if (!incoming_left)
        return false;
    *byte = *incoming++;
    incoming_left--;
    *arrived_us = now_us;
    return true;
}

bool hal_receive_error(void)
{
    bool was = receive_error;
    receive_error = false;
    return was;
}

static void drain(uint32_t most)
{
    uint32_t n = tx_length < most ? tx_length : most;
    if (n > LINE_BYTES - line_length)
        n = LINE_BYTES - line_length;
    memcpy(line + line_length, tx, n);
    memmove(tx, tx + n, tx_length - n);
    line_length += n;
    tx_length -= n;
}

bool hal_send(const uint8_t *bytes, uint8_t length, uint8_t reserve)
{
    if (TX_BYTES - tx_length < (uint32_t)length + reserve)
        return false;
    memcpy(tx + tx_length, bytes, length);
    tx_length += length;
    if (line_rate < 0)
        drain(TX_BYTES);
    return true;
}

uint16_t hal_ready(uint32_t *at_us)
{
    *at_us = ready_us;
    return ready;
}

uint16_t hal_convert(uint16_t asked, int32_t *counts)
{
    for (uint8_t cell = 0; cell < N_CELLS; cell++)
        counts[cell] = cell_counts[cell];
    ready = 0;
    return asked;
}

uint8_t hal_buttons(void)
{
    return buttons;
}

uint8_t hal_memory_read(uint8_t address)
{
    return memory[address];
}

bool hal_memory_write(uint8_t address, uint8_t value)
{
    if (!broken)
        memory[address] = value;
    return true;
}

uint8_t hal_reset_cause(void)
{
    return reset_cause;
}

uint64_t hal_uid(void)
{
    return UID;
}

void hal_reboot(void)
{
    reboots++;
}

void host_reset(uint8_t cause, uint32_t at_us)
{
    reset_cause = cause;
    now_us = at_us;
    next_conversion_us = at_us + CONVERSION_US;
    tx_length = line_length = incoming_left = 0;
    receive_error = false;
    ready = 0;
    board_init();
}

void host_run(uint32_t us)
{
    while (us) {
        uint32_t to_conversion = next_conversion_us - now_us;
        uint32_t turn = us < TURN_US ? us : TURN_US;
        if (to_conversion < turn)
            turn = to_conversion;
        now_us += turn;
        us -= turn;
        if (now_us == next_conversion_us) {
            next_conversion_us += CONVERSION_US;
            ready = (uint16_t)((1U << N_CELLS) - 1) & (uint16_t)~dead;
            ready_us = now_us;
        }
        if (line_rate >= 0)
            drain((uint32_t)line_rate * turn / 1000U);
        board_poll();
    }
}

void host_receive(const uint8_t *bytes, uint32_t n)
{
    incoming = bytes;
    incoming_left = n;
    board_poll();
}

uint32_t host_sent(uint8_t *bytes, uint32_t max)
{
    uint32_t n = line_length < max ? line_length : max;
    memcpy(bytes, line, n);
    memmove(line, line + n, line_length - n);
    line_length -= n;
    return n;
}

void host_line(int32_t bytes_per_ms)
{
    line_rate = bytes_per_ms;
}

void host_set_count(uint8_t cell, int32_t count)
{
    cell_counts[cell] = count;
}

void host_set_dead(uint16_t cells)
{
    dead = cells;
}

void host_set_buttons(uint8_t lines)
{
    buttons = lines;
}

void host_raise_receive_error(void)
{
    receive_error = true;
}

uint8_t *host_memory(void)
{
    return memory;
}

void host_break_memory(uint8_t writes_are_lost)
{
    broken = writes_are_lost;
}

uint32_t host_reboots(void)
{
    return reboots;
}

int32_t host_encode(const uint8_t *body, uint8_t n, uint8_t *out)
{
    uint16_t crc = crc16(body, n);
    memcpy(out + 1, body, n);
    out[1 + n] = (uint8_t)crc;
    out[2 + n] = (uint8_t)(crc >> 8);
    cobs_encode(out, n + 2);
    out[3 + n] = 0;
    return n + 4;
}

int32_t host_decode(const uint8_t *frame, uint8_t n, uint8_t *out)
{
    uint8_t copy[256];
    memcpy(copy, frame, n);
    int16_t length = cobs_decode(copy, n);
    if (length < 2 || crc16(copy + 1, (uint8_t)(length - 2)) != (copy[length - 1] | (uint16_t)copy[length] << 8))
        return -1;
    memcpy(out, copy + 1, (size_t)length - 2);
    return length - 2;
}
