/* ATmega328P (Uno, Nano, Pro Mini). The pins stand in docs/howto/firmware.md with the wiring. */
#define CLOCK_DDR DDRB /* SCK of all converters: D8 */
#define CLOCK_PORT PORTB
#define CLOCK_BIT 0

/* DOUT of cells 1 to 6: A0 to A5, of cells 7 to 9: D5 to D7. */
#define CELLS_LOW (N_CELLS < 6 ? N_CELLS : 6)
#define CELLS_HIGH (N_CELLS - CELLS_LOW)
#define LOW_MASK ((1 << CELLS_LOW) - 1)
#define HIGH_MASK (((1 << CELLS_HIGH) - 1) << 5)
#define LOW_PIN PINC
#define LOW_PORT PORTC
#define LOW_CHANGE_MASK PCMSK1
#define LOW_CHANGE_BIT PCIE1
#define LOW_CHANGE_VECTOR PCINT1_vect
#define HIGH_PIN PIND
#define HIGH_PORT PORTD
#define HIGH_CHANGE_MASK PCMSK2
#define HIGH_CHANGE_BIT PCIE2
#define HIGH_CHANGE_VECTOR PCINT2_vect
#define HIGH_TO_CELLS(pins) ((uint16_t)((pins) >> 5) << 6)

/* Analogue inputs A0 to A5. */
#define MAX_ANALOGUE 6
#define SELECT_ANALOGUE(channel) (ADMUX = _BV(REFS0) | (channel))

/* Lines 0 to 2: D2 to D4, to ground when pressed. */
#define BUTTON_LINES 3
#define BUTTON_INIT() (PORTD |= 7 << 2)
#define BUTTON_READ() ((uint8_t)(~PIND >> 2) & 7)

#define UART_RX_VECTOR USART_RX_vect
#define UART_EMPTY_VECTOR USART_UDRE_vect
