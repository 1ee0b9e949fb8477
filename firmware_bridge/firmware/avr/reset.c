/* What outlives a reset: its cause, the board's uid, the note's bytes; and the reset itself. */
#include <avr/eeprom.h>
#include <avr/wdt.h>
#include <util/atomic.h>

#include "avr.h"
#include "crc.h"
#include "hal.h"
#include "wire.h"

#define ASKED_FOR 0x5AA5 /* in RAM that is not cleared, before a reset that was asked for */
#define UID_ADDRESS 64   /* behind the note: 8 bytes and their crc-16 */
#define UID_BYTES 8

void uart_flush(void);

static uint16_t reboot_mark __attribute__((section(".noinit")));
static uint8_t flags __attribute__((section(".noinit"))), passed_on __attribute__((section(".noinit")));
static uint8_t cause;
static uint64_t uid;

/* Before main, because the watchdog stays on after it has bitten and would bite again. Bootloaders of the Optiboot
 * family clear the flags and leave them in r2. */
void keep_flags(void) __attribute__((naked, used, section(".init3")));
void keep_flags(void)
{
    __asm__ volatile("sts %0, r2" : : "i"(&passed_on));
    flags = MCUSR;
    MCUSR = 0;
    wdt_disable();
}

static uint8_t cause_of(uint8_t bits)
{
    if (bits & _BV(PORF))
        return RESET_POWER_ON; /* brings BORF along */
    if (bits & _BV(BORF))
        return RESET_BROWNOUT;
    if (bits & _BV(WDRF))
        return reboot_mark == ASKED_FOR ? RESET_COMMAND : RESET_WATCHDOG;
    if (bits & _BV(EXTRF))
        return RESET_EXTERNAL;
    return RESET_UNKNOWN;
}

static void load_uid(void)
{
    uint8_t bytes[UID_BYTES + 2];
    eeprom_read_block(bytes, (void *)UID_ADDRESS, sizeof bytes);
    if (crc16(bytes, UID_BYTES) != (bytes[8] | (uint16_t)bytes[9] << 8)) {
        uint64_t given = UID;
        for (uint8_t i = 0; i < UID_BYTES; i++)
            bytes[i] = (uint8_t)(given >> (8 * i));
        uint16_t crc = crc16(bytes, UID_BYTES);
        bytes[8] = (uint8_t)crc;
        bytes[9] = (uint8_t)(crc >> 8);
        eeprom_update_block(bytes, (void *)UID_ADDRESS, sizeof bytes);
    }
    for (uint8_t i = UID_BYTES; i--;)
        uid = uid << 8 | bytes[i];
}

void reset_init(void)
{
    cause = cause_of(flags ? flags : passed_on);
    reboot_mark = 0;
    load_uid();
    wdt_enable(WDTO_250MS);
}

uint8_t hal_reset_cause(void)
{
    return cause;
}

uint64_t hal_uid(void)
{
    return uid;
}

uint8_t hal_memory_read(uint8_t address)
{
    return eeprom_read_byte((const uint8_t *)(uint16_t)address);
}

bool hal_memory_write(uint8_t address, uint8_t value)
{
    if (!eeprom_is_ready())
        return false;
    eeprom_update_byte((uint8_t *)(uint16_t)address, value);
    return true;
}

void hal_reboot(void)
{
    uart_flush();
    reboot_mark = ASKED_FOR;
    cli();
    wdt_enable(WDTO_15MS);
    for (;;)
        ;
}
