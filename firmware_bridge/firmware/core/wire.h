/* The numbers of docs/reference/protocol.md, version 1. A test compares them with firmware_bridge/wire.py. */
#ifndef WIRE_H
#define WIRE_H

#define PROTOCOL_VERSION 1
#define FIRMWARE_MAJOR 1
#define FIRMWARE_MINOR 0
#define FIRMWARE_PATCH 0

#define MAX_BODY_BYTES 96 /* crc included */
#define HEADER_BYTES 15
#define MAX_NOTE_BYTES 48

enum frame_type {
    FRAME_IDENT = 0x01,
    FRAME_SAMPLE = 0x02,
    FRAME_ACK = 0x03,
    FRAME_SYNC = 0x04,
    FRAME_SELFTEST = 0x05,
    FRAME_EVENT = 0x06,
    FRAME_CALIBRATION = 0x07
};

enum command {
    COMMAND_IDENT = 0x81,
    COMMAND_START = 0x82,
    COMMAND_STOP = 0x83,
    COMMAND_TARE = 0x84,
    COMMAND_SET_RATE = 0x85,
    COMMAND_SYNC = 0x86,
    COMMAND_SELFTEST = 0x87,
    COMMAND_HEARTBEAT = 0x88,
    COMMAND_CAL_SET = 0x8A,
    COMMAND_CAL_GET = 0x8B,
    COMMAND_REBOOT = 0x8C
};

enum ack_code {
    ACK_OK = 0,
    ACK_UNKNOWN_COMMAND = 1,
    ACK_BAD_ARGUMENT = 2,
    ACK_BUSY = 3,
    ACK_NOT_SUPPORTED = 4,
    ACK_FAILED = 5
};

enum event_code { EVENT_BOOT = 1, EVENT_WATCHDOG_EXPIRED = 2, EVENT_MARK = 3, EVENT_COMMIT = 4 };

enum reset_cause {
    RESET_UNKNOWN = 0,
    RESET_POWER_ON = 1,
    RESET_EXTERNAL = 2,
    RESET_BROWNOUT = 3,
    RESET_WATCHDOG = 4,
    RESET_COMMAND = 5
};

enum adc_type { ADC_UNKNOWN = 0, ADC_HX711 = 1, ADC_HX717 = 2, ADC_MCU = 5 };

enum status {
    STATUS_NOT_READY = 1 << 0,
    STATUS_SATURATED = 1 << 1,
    STATUS_OVERLOAD = 1 << 2,
    STATUS_TX_DROP = 1 << 3,
    STATUS_RX_ERR = 1 << 4,
    STATUS_WATCHDOG = 1 << 5,
    STATUS_TARED = 1 << 6,
    STATUS_CAL_VALID = 1 << 7,
    STATUS_SELFTEST_FAIL = 1 << 8,
    STATUS_BROWNOUT_RESET = 1 << 9
};

enum self_test_failure {
    FAILURE_NOT_READY = 1 << 0,
    FAILURE_SATURATED = 1 << 1,
    FAILURE_STUCK = 1 << 2,
    FAILURE_RATE = 1 << 3,
    FAILURE_NOTE = 1 << 4
};

#endif
