#include "board.h"

#include <string.h>

#include "buttons.h"
#include "cobs.h"
#include "config.h"
#include "crc.h"
#include "hal.h"
#include "note.h"
#include "source.h"
#include "wire.h"

#define CRC_BYTES 2
#define COMMAND_MIN_BYTES 3 /* version, command, tag */
#define SILENCE_US 1000000UL
#define WINDOW_ROUNDS 64
#define REPLY_RESERVE_BYTES 80 /* samples leave room for the longest reply: an overloaded line still answers */

static uint16_t status, seq, ready_mask, saturated_mask;
static bool streaming;
static uint32_t heartbeat_us;
static uint8_t divisor, rounds; /* rounds of conversions in a sample, and so far */

static uint8_t window_rounds; /* rate of conversions: over the last complete window */
static uint32_t window_us, rate_millihertz;

static uint8_t frame[1 + MAX_BODY_BYTES + 1]; /* COBS byte, body, delimiter */
static uint8_t length;                        /* of its body so far */

static uint8_t heard[1 + MAX_BODY_BYTES]; /* COBS byte, body */
static uint8_t heard_length;
static bool heard_too_long;

static struct {
    bool valid;
    uint8_t command, tag, code;
    uint32_t value;
} answered; /* the last ACK, to be repeated */
static uint8_t note_tag;
static bool note_pending;

/* -- frames ------------------------------------------------------------------------------------------------------- */

static void put8(uint8_t value)
{
    frame[1 + length++] = value;
}

static void put16(uint16_t value)
{
    put8((uint8_t)value);
    put8((uint8_t)(value >> 8));
}

static void put32(uint32_t value)
{
    put16((uint16_t)value);
    put16((uint16_t)(value >> 16));
}

static void put_bytes(const void *bytes, uint8_t n)
{
    memcpy(frame + 1 + length, bytes, n);
    length += n;
}

static void begin(uint8_t type, uint32_t t_us)
{
    length = 0;
    put8(PROTOCOL_VERSION);
    put8(type);
    put16(seq);
    put32(t_us);
    put8(N_CHANNELS);
    put16(status);
    put16(ready_mask);
    put16(saturated_mask);
}

/* Send the frame, or drop it whole when fewer than `reserve` bytes would stay free. */
static bool finish(uint8_t reserve)
{
    put16(crc16(frame + 1, length));
    cobs_encode(frame, length);
    frame[1 + length] = 0;
    seq++;
    bool sent = hal_send(frame, length + 2, reserve);
    if (!sent)
        status |= STATUS_TX_DROP;
    return sent;
}

static void send_event(uint8_t code, uint32_t value, uint32_t t_us)
{
    begin(FRAME_EVENT, t_us);
    put8(code);
    put32(value);
    finish(0);
}

static void send_ack(uint8_t command, uint8_t tag, uint8_t code, uint32_t value)
{
    answered.valid = true;
    answered.command = command;
    answered.tag = tag;
    answered.code = code;
    answered.value = value;
    begin(FRAME_ACK, hal_now_us());
    put8(command);
    put8(tag);
    put8(code);
    put32(value);
    finish(0);
}

static void send_ident(uint8_t tag)
{
    static const char git[8] = GIT_HASH, name[24] = BOARD_NAME;
    uint64_t uid = hal_uid();
    begin(FRAME_IDENT, hal_now_us());
    put8(tag);
    put8(PROTOCOL_VERSION);
    put8(DEVICE);
    put8(N_CHANNELS);
    put8(SENSOR == HX711 ? ADC_HX711 : SENSOR == HX717 ? ADC_HX717 : ADC_MCU);
    put8(FIRMWARE_MAJOR);
    put8(FIRMWARE_MINOR);
    put8(FIRMWARE_PATCH);
    put8(hal_reset_cause());
    put16(DEVICE == RATER ? (uint16_t)(1000000UL / MIN_PERIOD_US) : SPS);
    put32((uint32_t)uid);
    put32((uint32_t)(uid >> 32));
    put32(note_hash());
    put_bytes(git, sizeof git);
    put_bytes(name, sizeof name);
    finish(0);
}

static void send_sync(uint8_t tag, const uint8_t *host_ns, uint32_t arrived_us)
{
    begin(FRAME_SYNC, hal_now_us());
    put8(tag);
    put_bytes(host_ns, 8);
    put32(arrived_us);
    finish(0);
}

static void send_note(uint8_t tag)
{
    uint8_t n;
    const uint8_t *bytes = note_bytes(&n);
    begin(FRAME_CALIBRATION, hal_now_us());
    put8(tag);
    put_bytes(bytes, n);
    finish(0);
}

static void self_test(uint8_t tag)
{
    uint16_t ready, saturated, stuck;
    if (!rate_millihertz) { /* the first 64 conversions are not complete */
        send_ack(COMMAND_SELFTEST, tag, ACK_BUSY, 0);
        answered.valid = false;
        return;
    }
    source_self_test(&ready, &saturated, &stuck);
    uint8_t failures = 0;
    if (ready != ALL_CHANNELS)
        failures |= FAILURE_NOT_READY;
    if (saturated)
        failures |= FAILURE_SATURATED;
    if (stuck)
        failures |= FAILURE_STUCK;
    if (rate_millihertz < SPS * 950UL || rate_millihertz > SPS * 1050UL)
        failures |= FAILURE_RATE;
    if (note_is_damaged()) {
        failures |= FAILURE_NOTE;
        status &= (uint16_t)~STATUS_CAL_VALID;
    }
    status = failures ? status | STATUS_SELFTEST_FAIL : status & ~STATUS_SELFTEST_FAIL;
    begin(FRAME_SELFTEST, hal_now_us());
    put8(tag);
    put8(failures);
    put16(ready);
    put16(saturated);
    put16(stuck);
    put32(rate_millihertz);
    finish(0);
}

/* -- commands ----------------------------------------------------------------------------------------------------- */

static uint32_t get32(const uint8_t *bytes)
{
    return bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 | (uint32_t)bytes[3] << 24;
}

static uint32_t period_us(void)
{
    return divisor * CONVERSION_US;
}

/* Take the nearest period that is a whole number of conversions. */
static uint8_t set_period(const uint8_t *payload, uint8_t n)
{
    if (n != 4)
        return ACK_BAD_ARGUMENT;
    uint32_t asked = get32(payload);
    if (asked) {
        if (asked < MIN_PERIOD_US || asked > MAX_PERIOD_US)
            return ACK_BAD_ARGUMENT;
        uint8_t nearest = (uint8_t)((asked + CONVERSION_US / 2) / CONVERSION_US);
        divisor = nearest ? nearest : 1;
    }
    source_restart();
    rounds = 0;
    return ACK_OK;
}

static void start(const uint8_t *payload, uint8_t n, uint8_t tag)
{
    uint8_t code = set_period(payload, n);
    if (code == ACK_OK) {
        heartbeat_us = hal_now_us();
        status &= (uint16_t) ~(STATUS_OVERLOAD | STATUS_RX_ERR | STATUS_WATCHDOG | STATUS_BROWNOUT_RESET);
        streaming = true;
    }
    send_ack(COMMAND_START, tag, code, period_us());
}

static void tare(const uint8_t *payload, uint8_t n, uint8_t tag)
{
    uint16_t mask = n == 2 ? (payload[0] | (uint16_t)payload[1] << 8) & ALL_CHANNELS : 0;
    if (n != 2)
        send_ack(COMMAND_TARE, tag, ACK_BAD_ARGUMENT, 0);
    else if (!source_tare(mask))
        send_ack(COMMAND_TARE, tag, ACK_NOT_SUPPORTED, 0);
    else
        send_ack(COMMAND_TARE, tag, ACK_OK, mask);
}

static void set_note(const uint8_t *payload, uint8_t n, uint8_t tag)
{
    if (n > MAX_NOTE_BYTES) {
        send_ack(COMMAND_CAL_SET, tag, ACK_BAD_ARGUMENT, note_hash());
        return;
    }
    note_store(payload, n);
    note_tag = tag;
    note_pending = true; /* answered when it is in the EEPROM */
}

static void end_note(bool stored)
{
    uint8_t n;
    note_bytes(&n);
    note_pending = false;
    status = n ? status | STATUS_CAL_VALID : status & ~STATUS_CAL_VALID;
    send_ack(COMMAND_CAL_SET, note_tag, stored ? ACK_OK : ACK_FAILED, note_hash());
}

/* Commands that are answered by an ACK; a repeated one is answered again but not carried out again. */
static void act(uint8_t command, uint8_t tag, const uint8_t *payload, uint8_t n)
{
    if (answered.valid && command == answered.command && tag == answered.tag) {
        send_ack(command, tag, answered.code, answered.value);
        return;
    }
    if (note_pending && (command == COMMAND_CAL_SET || command == COMMAND_REBOOT)) {
        if (command == COMMAND_CAL_SET && tag == note_tag)
            return; /* its answer is under way */
        send_ack(command, tag, ACK_BUSY, 0);
        answered.valid = false;
        return;
    }
    switch (command) {
    case COMMAND_START:
        start(payload, n, tag);
        break;
    case COMMAND_SET_RATE: {
        uint8_t code = set_period(payload, n);
        send_ack(command, tag, code, period_us());
        break;
    }
    case COMMAND_STOP:
        streaming = false;
        send_ack(command, tag, ACK_OK, 0);
        break;
    case COMMAND_TARE:
        tare(payload, n, tag);
        break;
    case COMMAND_CAL_SET:
        set_note(payload, n, tag);
        break;
    case COMMAND_REBOOT:
        send_ack(command, tag, ACK_OK, 0);
        hal_reboot();
        break;
    case COMMAND_SYNC: /* of a wrong length */
        send_ack(command, tag, ACK_BAD_ARGUMENT, 0);
        break;
    default:
        send_ack(command, tag, ACK_UNKNOWN_COMMAND, 0);
    }
}

static void obey(const uint8_t *body, uint8_t n, uint32_t arrived_us)
{
    uint8_t command = body[1], tag = body[2];
    const uint8_t *payload = body + COMMAND_MIN_BYTES;
    n -= COMMAND_MIN_BYTES;
    if (command == COMMAND_IDENT) { /* of any version: so that the host can name both */
        send_ident(tag);
    } else if (body[0] != PROTOCOL_VERSION) {
        status |= STATUS_RX_ERR;
    } else if (command == COMMAND_HEARTBEAT) {
        heartbeat_us = hal_now_us();
        status &= (uint16_t)~STATUS_WATCHDOG;
    } else if (command == COMMAND_SYNC && n == 8) {
        send_sync(tag, payload, arrived_us);
    } else if (command == COMMAND_SELFTEST) {
        self_test(tag);
    } else if (command == COMMAND_CAL_GET) {
        send_note(tag);
    } else {
        act(command, tag, payload, n);
    }
}

static void end_of_frame(uint32_t arrived_us)
{
    uint8_t encoded = heard_length;
    bool too_long = heard_too_long;
    heard_length = 0;
    heard_too_long = false;
    if (!encoded && !too_long)
        return; /* an empty frame: allowed at any time */
    int16_t n = too_long ? -1 : cobs_decode(heard, encoded);
    const uint8_t *body = heard + 1;
    if (n >= COMMAND_MIN_BYTES + CRC_BYTES) {
        n -= CRC_BYTES;
        if (crc16(body, (uint8_t)n) == (body[n] | (uint16_t)body[n + 1] << 8)) {
            obey(body, (uint8_t)n, arrived_us);
            return;
        }
    }
    status |= STATUS_RX_ERR;
}

static void listen(void)
{
    uint8_t byte;
    uint32_t arrived_us = 0;
    while (hal_receive(&byte, &arrived_us)) {
        if (byte == 0)
            end_of_frame(arrived_us);
        else if (heard_length < sizeof heard)
            heard[heard_length++] = byte;
        else
            heard_too_long = true;
    }
    if (hal_receive_error())
        status |= STATUS_RX_ERR;
}

/* -- what the board does by itself -------------------------------------------------------------------------------- */

static void measure_rate(uint32_t now_us)
{
    if (++window_rounds < WINDOW_ROUNDS)
        return;
    /* In units of 16 us, so that the dividend 64 * 1e9 / 16 fits 32 bits. */
    uint32_t span = (now_us - window_us) / 16;
    rate_millihertz = span ? 4000000000UL / span : 0;
    window_us = now_us;
    window_rounds = 0;
}

static void send_sample(void)
{
    struct sample sample;
    source_sample(&sample);
    ready_mask = sample.ready;
    saturated_mask = sample.saturated;
    status &= (uint16_t) ~(STATUS_NOT_READY | STATUS_SATURATED);
    if (ready_mask != ALL_CHANNELS)
        status |= STATUS_NOT_READY;
    if (saturated_mask)
        status |= STATUS_SATURATED;
    if (source_is_tared())
        status |= STATUS_TARED;
    if (source_was_overloaded())
        status |= STATUS_OVERLOAD;
    if (!streaming)
        return;
    begin(FRAME_SAMPLE, sample.t_us);
    for (uint8_t channel = 0; channel < N_CHANNELS; channel++)
        put32((uint32_t)sample.counts[channel]);
    if (finish(REPLY_RESERVE_BYTES))
        status &= (uint16_t)~STATUS_TX_DROP;
}

static void watch(uint32_t now_us)
{
    if (!streaming || now_us - heartbeat_us <= SILENCE_US)
        return;
    streaming = false;
    status |= STATUS_WATCHDOG;
    answered.valid = false; /* a host that comes back may count its tags from the start */
    send_event(EVENT_WATCHDOG_EXPIRED, (now_us - heartbeat_us) / 1000, now_us);
}

void board_init(void)
{
    static const uint8_t delimiter = 0;
    seq = 0;
    status = 0;
    ready_mask = saturated_mask = 0;
    streaming = note_pending = heard_too_long = false;
    heard_length = 0;
    answered.valid = false;
    divisor = (uint8_t)(DEFAULT_PERIOD_US / CONVERSION_US);
    rounds = window_rounds = 0;
    window_us = heartbeat_us = hal_now_us();
    rate_millihertz = 0;
    buttons_init();
    source_init();
    note_load();
    if (note_hash())
        status |= STATUS_CAL_VALID;
    if (hal_reset_cause() == RESET_BROWNOUT)
        status |= STATUS_BROWNOUT_RESET;
    hal_send(&delimiter, 1, 0);
    send_event(EVENT_BOOT, hal_reset_cause(), hal_now_us());
}

void board_poll(void)
{
    listen();

    enum note_state note = note_poll();
    if (note == NOTE_STORED || note == NOTE_FAILED)
        end_note(note == NOTE_STORED);

    struct button_event button;
    while (buttons_poll(hal_now_us(), &button)) {
        if (DEVICE == RATER && button.line == 0) {
            if (button.pressed)
                send_event(EVENT_COMMIT, (uint32_t)source_commit(), button.t_us);
        } else {
            send_event(EVENT_MARK, button.line | (button.pressed ? 0x100 : 0), button.t_us);
        }
    }

    uint32_t now_us = hal_now_us();
    if (source_poll(now_us)) {
        measure_rate(now_us);
        if (++rounds >= divisor) {
            rounds = 0;
            send_sample();
        }
    }
    watch(hal_now_us());
}
