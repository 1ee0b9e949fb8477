/* The serial line: two rings between interrupts and main loop, and when each delimiter arrived. */
#include <util/atomic.h>

#include "avr.h"
#include "hal.h"

#define TX_BYTES 256 /* indices wrap by themselves */
#define RX_BYTES 128
#define N_STAMPS 16

static uint8_t tx[TX_BYTES], rx[RX_BYTES];
static volatile uint8_t tx_head, tx_tail, rx_head, rx_tail;
static volatile bool rx_error;
static uint16_t stamps_us[N_STAMPS]; /* low halves; the main loop is never 65 ms late */
static volatile uint8_t zeros_in;
static uint8_t zeros_out;

void uart_init(void)
{
    UCSR0A = _BV(U2X0);
    UBRR0 = (F_CPU / 8 + BAUD / 2) / BAUD - 1;
    UCSR0C = _BV(UCSZ01) | _BV(UCSZ00);
    UCSR0B = _BV(RXEN0) | _BV(TXEN0) | _BV(RXCIE0);
}

ISR(UART_EMPTY_VECTOR)
{
    UDR0 = tx[tx_tail];
    tx_tail++;
    if (tx_tail == tx_head)
        UCSR0B &= (uint8_t)~_BV(UDRIE0);
}

ISR(UART_RX_VECTOR)
{
    uint8_t flags = UCSR0A, byte = UDR0;
    uint8_t next = (rx_head + 1) % RX_BYTES;
    if (flags & (_BV(FE0) | _BV(DOR0)))
        rx_error = true;
    if (next == rx_tail) {
        rx_error = true;
        return;
    }
    rx[rx_head] = byte;
    rx_head = next;
    if (byte == 0)
        stamps_us[zeros_in++ % N_STAMPS] = (uint16_t)clock_now_us();
    woken = true;
}

bool hal_receive(uint8_t *byte, uint32_t *arrived_us)
{
    if (rx_tail == rx_head)
        return false;
    *byte = rx[rx_tail];
    rx_tail = (rx_tail + 1) % RX_BYTES;
    if (*byte == 0) {
        uint32_t now_us = hal_now_us();
        ATOMIC_BLOCK(ATOMIC_RESTORESTATE)
        {
            *arrived_us = now_us - (uint16_t)((uint16_t)now_us - stamps_us[zeros_out % N_STAMPS]);
        }
        zeros_out++;
    }
    return true;
}

bool hal_receive_error(void)
{
    bool was = rx_error;
    rx_error = false;
    return was;
}

bool hal_send(const uint8_t *bytes, uint8_t length, uint8_t reserve)
{
    uint8_t free = (uint8_t)(tx_tail - tx_head - 1);
    if (free < length || free - length < reserve)
        return false;
    uint8_t head = tx_head;
    while (length--)
        tx[head++] = *bytes++;
    ATOMIC_BLOCK(ATOMIC_RESTORESTATE)
    {
        tx_head = head;
        UCSR0B |= _BV(UDRIE0);
    }
    return true;
}

void uart_flush(void)
{
    while (tx_tail != tx_head)
        ;
    /* The last two bytes are in the shift register and its buffer: 20 bits. */
    uint32_t since_us = hal_now_us();
    while (hal_now_us() - since_us < 30000000UL / BAUD)
        ;
}
