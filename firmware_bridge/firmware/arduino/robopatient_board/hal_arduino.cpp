// hal.h on the Arduino core: pins by digitalRead, the serial port by Serial, a note in (emulated) EEPROM.
#include "hal_arduino.h"

#include <Arduino.h>
#include <EEPROM.h>

extern "C" {
#include "src/core/config.h"
#include "src/core/hal.h"
#if SENSOR_IS_SHIFTED
#include "src/core/shifted.h"
#endif
#include "src/core/wire.h"
}
#if defined(ESP32)
#include <esp_system.h>
#endif

namespace {

constexpr uint8_t kCellPins[] = CELL_PINS;
constexpr uint8_t kButtonPins[] = BUTTON_PINS;
constexpr int kMemoryBytes = 64;
constexpr int kSendBytes = 1024;
// Emulated EEPROM is a page of flash: it is written once for a whole note, not once for each byte.
constexpr uint32_t kCommitAfterUs = 50000;

bool memory_changed = false;
uint32_t memory_changed_us = 0;
uint32_t heard_us = 0;  // when bytes were last seen waiting

static_assert(sizeof kCellPins >= N_CELLS, "settings.h: CELL_PINS has fewer pins than N_CELLS");

}  // namespace

extern "C" {

uint32_t hal_now_us(void) { return micros(); }

// The Arduino core does not tell when a byte came, so a command is taken to have arrived when the loop first saw bytes
// waiting: late by one turn of the loop at most.
bool hal_receive(uint8_t *byte, uint32_t *arrived_us) {
  if (Serial.available() <= 0) return false;
  *byte = static_cast<uint8_t>(Serial.read());
  if (*byte == 0) *arrived_us = heard_us;
  return true;
}

bool hal_receive_error(void) { return false; }  // not told by the Arduino core

bool hal_send(const uint8_t *bytes, uint8_t length, uint8_t reserve) {
  if (Serial.availableForWrite() < length + reserve) return false;
  Serial.write(bytes, length);
  return true;
}

uint8_t hal_buttons(void) {
  uint8_t lines = 0;
  for (uint8_t line = 0; line < sizeof kButtonPins; line++)
    if (digitalRead(kButtonPins[line]) == LOW) lines |= static_cast<uint8_t>(1 << line);
  return lines;
}

uint8_t hal_memory_read(uint8_t address) { return EEPROM.read(address); }

bool hal_memory_write(uint8_t address, uint8_t value) {
  EEPROM.write(address, value);
  memory_changed = true;
  memory_changed_us = micros();
  return true;
}

uint8_t hal_reset_cause(void) {
#if defined(ESP32)
  switch (esp_reset_reason()) {
    case ESP_RST_POWERON:
      return RESET_POWER_ON;
    case ESP_RST_EXT:
      return RESET_EXTERNAL;
    case ESP_RST_BROWNOUT:
      return RESET_BROWNOUT;
    case ESP_RST_INT_WDT:
    case ESP_RST_TASK_WDT:
    case ESP_RST_WDT:
      return RESET_WATCHDOG;
    case ESP_RST_SW:
      return RESET_COMMAND;
    default:
      return RESET_UNKNOWN;
  }
#else
  return RESET_UNKNOWN;
#endif
}

uint64_t hal_uid(void) {
#if defined(ESP32)
  return ESP.getEfuseMac();
#else
  return UID;
#endif
}

void hal_reboot(void) {
  Serial.flush();
  if (memory_changed) EEPROM.commit();
#if defined(ESP32)
  ESP.restart();
#endif
}

#if SENSOR_IS_SHIFTED

lines_t lines_ready(void) {
  lines_t low = 0;
  for (uint8_t cell = 0; cell < N_CELLS; cell++)
    if (digitalRead(kCellPins[cell]) == LOW) low |= static_cast<lines_t>(1U << cell);
  return low;
}

// Both halves last: the converter needs 0.2 us of each, and a fast processor would give less.
void lines_pulse(void) {
  noInterrupts();
  digitalWrite(CLOCK_PIN, HIGH);
  delayMicroseconds(1);
  digitalWrite(CLOCK_PIN, LOW);
  interrupts();
  delayMicroseconds(1);
}

void lines_watch(bool on) { (void)on; }  // hal_arduino_poll looks

#else

static bool complete = false;
static uint32_t complete_us = 0, next_scan_us = 0;
static int32_t sums[N_CELLS];

static void scan(uint32_t now_us) {
  if (static_cast<int32_t>(now_us - next_scan_us) < 0) return;
  next_scan_us += CONVERSION_US;
  if (static_cast<int32_t>(now_us - next_scan_us) >= 0) next_scan_us = now_us + CONVERSION_US;  // no burst after a stall
  for (uint8_t cell = 0; cell < N_CELLS; cell++) {
    sums[cell] = 0;
    for (uint8_t i = 0; i < OVERSAMPLE; i++) sums[cell] += analogRead(kCellPins[cell]);
  }
  complete_us = micros();
  complete = true;
}

uint16_t hal_ready(uint32_t *ready_us) {
  *ready_us = complete_us;
  return complete ? static_cast<uint16_t>((1U << N_CELLS) - 1) : 0;
}

uint16_t hal_convert(uint16_t ready, int32_t *counts) {
  for (uint8_t cell = 0; cell < N_CELLS; cell++) counts[cell] = sums[cell];
  complete = false;
  return ready;
}

#endif

}  // extern "C"

void hal_arduino_begin() {
#if defined(ESP32)
  Serial.setTxBufferSize(kSendBytes);
#endif
  Serial.begin(BAUD);
  EEPROM.begin(kMemoryBytes);
  for (uint8_t pin : kButtonPins) pinMode(pin, INPUT_PULLUP);
#if SENSOR_IS_SHIFTED
  digitalWrite(CLOCK_PIN, LOW);
  pinMode(CLOCK_PIN, OUTPUT);
  for (uint8_t cell = 0; cell < N_CELLS; cell++) pinMode(kCellPins[cell], INPUT_PULLUP);
#else
  next_scan_us = micros();
#endif
}

void hal_arduino_poll() {
  uint32_t now_us = micros();
  if (Serial.available() > 0) heard_us = now_us;
#if SENSOR_IS_SHIFTED
  shifted_look(now_us);
#else
  scan(now_us);
#endif
  if (memory_changed && now_us - memory_changed_us > kCommitAfterUs) {
    memory_changed = false;
    EEPROM.commit();
  }
}
