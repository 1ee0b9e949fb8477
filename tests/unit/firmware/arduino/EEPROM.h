#pragma once
#include <stdint.h>

struct FakeEeprom {
  void begin(int bytes);
  uint8_t read(int address);
  void write(int address, uint8_t value);
  void commit();
};
extern FakeEeprom EEPROM;
