/* ATmega2560 (Mega). The pins stand in docs/howto/firmware.md with the wiring. */
#define CLOCK_DDR DDRL /* SCK of all converters: D49 */
#define CLOCK_PORT PORTL
#define CLOCK_BIT 0

/* DOUT of cells 1 to 4: D53 to D50, 5 to 8: D10 to D13, 9: A8. */
#define CELLS_LOW (N_CELLS < 8 ? N_CELLS : 8)
#define CELLS_HIGH (N_CELLS - CELLS_LOW)
#define LOW_MASK ((1 << CELLS_LOW) - 1)
#define HIGH_MASK ((1 << CELLS_HIGH) - 1)
#define LOW_PIN PINB
#define LOW_PORT PORTB
#define LOW_CHANGE_MASK PCMSK0
#define LOW_CHANGE_BIT PCIE0
#define LOW_CHANGE_VECTOR PCINT0_vect
#define HIGH_PIN PINK
#define HIGH_PORT PORTK
#define HIGH_CHANGE_MASK PCMSK2
#define HIGH_CHANGE_BIT PCIE2
#define HIGH_CHANGE_VECTOR PCINT2_vect
#define HIGH_TO_CELLS(pins) ((uint16_t)(pins) << 8)

/* Analogue inputs A0 to A8. */
#define MAX_ANALOGUE 9
#define SELECT_ANALOGUE(channel) \
    (ADCSRB = (channel) & 8 ? _BV(MUX5) : 0, ADMUX = _BV(REFS0) | ((channel) & 7))

/* Lines 0 and 1: D2 and D3, to ground when pressed. */
#define BUTTON_LINES 2
#define BUTTON_INIT() (PORTE |= 3 << 4)
#define BUTTON_READ() ((uint8_t)(~PINE >> 4) & 3)

#define UART_RX_VECTOR USART0_RX_vect
#define UART_EMPTY_VECTOR USART0_UDRE_vect
