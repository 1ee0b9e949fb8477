// The fake core: four HX711 of 80 conversions a second on the pins of settings.h, and a serial port in memory.
#include <Arduino.h>
#include <EEPROM.h>
#include <esp_system.h>
#include <string.h>

extern "C" {
#include "src/core/config.h"
}
void setup();
void loop();

namespace {
constexpr uint8_t kPins[] = CELL_PINS;
uint32_t now_us;
uint8_t in[65536], out[65536], memory[64];
size_t in_length, out_length;
int commits, restarts, clock_level;
uint32_t clock_rose_us, clock_high_us;

struct Converter {
  int32_t count, shifting;
  int bit = 25;
  uint32_t next_us;
  bool dead;
} converters[N_CELLS];

void convert() {
  for (Converter &c : converters) {
    while (static_cast<int32_t>(now_us - c.next_us) >= 0) {
      c.next_us += CONVERSION_US;
      c.shifting = c.count;
      c.bit = -1;
    }
  }
}
}  // namespace

FakeSerial Serial;
FakeEeprom EEPROM;
FakeChip ESP;

uint32_t micros() { return now_us; }
void delayMicroseconds(uint32_t us) { now_us += us; }
void noInterrupts() {}
void interrupts() {}
void pinMode(uint8_t, uint8_t) {}
int analogRead(uint8_t pin) { return pin * 10; }

void digitalWrite(uint8_t, uint8_t level) {
  convert();
  if (level && !clock_level) {
    clock_rose_us = now_us;
    for (Converter &c : converters)
      if (c.bit < 25) c.bit++;
  }
  if (!level && clock_level && now_us - clock_rose_us > clock_high_us) clock_high_us = now_us - clock_rose_us;
  clock_level = level;
}

int digitalRead(uint8_t pin) {
  convert();
  for (size_t i = 0; i < N_CELLS; i++) {
    Converter &c = converters[i];
    if (kPins[i] != pin || c.dead) continue;
    if (c.bit < 0) return LOW;
    return c.bit < 24 ? c.shifting >> (23 - c.bit) & 1 : HIGH;
  }
  return HIGH;
}

void FakeSerial::setTxBufferSize(size_t) {}
void FakeSerial::begin(unsigned long) {}
int FakeSerial::available() { return static_cast<int>(in_length); }
int FakeSerial::read() {
  uint8_t byte = in[0];
  memmove(in, in + 1, --in_length);
  return byte;
}
int FakeSerial::availableForWrite() { return 1024; }
size_t FakeSerial::write(const uint8_t *bytes, size_t length) {
  if (out_length + length > sizeof out) out_length = 0;
  memcpy(out + out_length, bytes, length);
  out_length += length;
  return length;
}
void FakeSerial::flush() {}

void FakeEeprom::begin(int) {}
uint8_t FakeEeprom::read(int address) { return memory[address]; }
void FakeEeprom::write(int address, uint8_t value) { memory[address] = value; }
void FakeEeprom::commit() { commits++; }

uint64_t FakeChip::getEfuseMac() { return 0x53494D00000E5032ULL; }
void FakeChip::restart() { restarts++; }
esp_reset_reason_t esp_reset_reason() { return ESP_RST_POWERON; }

extern "C" {
void fake_setup() {
  memset(memory, 0xFF, sizeof memory);
  for (Converter &c : converters) c.next_us = CONVERSION_US;
  setup();
}
void fake_run(uint32_t us) {
  for (uint32_t end_us = now_us + us; static_cast<int32_t>(end_us - now_us) > 0; now_us += 20) loop();
}
void fake_hear(const uint8_t *bytes, uint32_t n) {
  memcpy(in + in_length, bytes, n);
  in_length += n;
}
uint32_t fake_sent(uint8_t *bytes) {
  uint32_t n = static_cast<uint32_t>(out_length);
  memcpy(bytes, out, n);
  out_length = 0;
  return n;
}
void fake_count(int cell, int32_t count) { converters[cell].count = count; }
void fake_dead(int cell) { converters[cell].dead = true; }
int fake_commits() { return commits; }
int fake_restarts() { return restarts; }
uint32_t fake_clock_high_us() { return clock_high_us; }
}
