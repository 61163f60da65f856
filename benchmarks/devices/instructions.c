/* A QEMU plugin: how many aarch64 instructions a guest executes between two marks, by what they do.
 *
 * A guest marks with syscall(4242, …), which no kernel has. Build: gcc -O2 -fPIC -shared -o instructions.so instructions.c
 * The few functions of QEMU's plugin interface are declared here, so that no header of QEMU is needed (its version 1,
 * as QEMU 6.0 to 8.0 speak it). Blocks of code are classified once, when QEMU translates them. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define VISIBLE __attribute__((visibility("default")))
#define MARK 4242

typedef uint64_t plugin_id;
struct qemu_plugin_tb;
struct qemu_plugin_insn;
extern void qemu_plugin_register_vcpu_tb_trans_cb(plugin_id, void (*)(plugin_id, struct qemu_plugin_tb *));
extern void qemu_plugin_register_vcpu_tb_exec_cb(struct qemu_plugin_tb *, void (*)(unsigned, void *), int, void *);
extern void qemu_plugin_register_vcpu_syscall_cb(plugin_id, void (*)(plugin_id, unsigned, int64_t, uint64_t, uint64_t,
    uint64_t, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t));
extern size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *);
extern struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *, size_t);
extern const void *qemu_plugin_insn_data(const struct qemu_plugin_insn *);
VISIBLE int qemu_plugin_version = 1;

struct pattern {
    const char *name;
    uint32_t mask, value; /* of the instruction's word, from the Arm manual's encoding tables */
};
static const struct pattern PATTERNS[] = {
    {"dot_product", 0x9F20FC00, 0x0E009400}, /* SDOT, UDOT, vectors */
    {"dot_product", 0x9F00F400, 0x0F00E000}, /* SDOT, UDOT, by element */
    {"widening", 0x9F20FC00, 0x0E208000},    /* SMLAL, UMLAL */
    {"widening", 0x9F20FC00, 0x0E20C000},    /* SMULL, UMULL */
    {"widening", 0x9F00F400, 0x0F002000},    /* SMLAL, UMLAL, by element */
    {"float_fma", 0xBFA0FC00, 0x0E20CC00},   /* FMLA, vectors */
    {"float_fma", 0xBF80F400, 0x0F801000},   /* FMLA, by element */
};
enum { KINDS = 4 };
static const char *const NAMES[KINDS] = {"dot_product", "widening", "float_fma", "other"};
static uint64_t counts[KINDS], before[KINDS];
static FILE *out;

struct block {
    uint32_t counts[KINDS];
};

static int kind_of(uint32_t word)
{
    for (size_t i = 0; i < sizeof PATTERNS / sizeof *PATTERNS; i++)
        if ((word & PATTERNS[i].mask) == PATTERNS[i].value)
            for (int kind = 0; kind < KINDS; kind++)
                if (strcmp(NAMES[kind], PATTERNS[i].name) == 0)
                    return kind;
    return KINDS - 1;
}

static void executed(unsigned cpu, void *data)
{
    const struct block *block = data;
    (void)cpu;
    for (int kind = 0; kind < KINDS; kind++)
        if (block->counts[kind])
            __atomic_fetch_add(&counts[kind], block->counts[kind], __ATOMIC_RELAXED);
}

static void translated(plugin_id id, struct qemu_plugin_tb *code)
{
    struct block *block = calloc(1, sizeof *block); /* lives as long as the translation may run: until the end */
    (void)id;
    for (size_t i = 0; i < qemu_plugin_tb_n_insns(code); i++) {
        uint32_t word;
        memcpy(&word, qemu_plugin_insn_data(qemu_plugin_tb_get_insn(code, i)), sizeof word);
        block->counts[kind_of(word)]++;
    }
    qemu_plugin_register_vcpu_tb_exec_cb(code, executed, 0, block);
}

static void called(plugin_id id, unsigned cpu, int64_t number, uint64_t tag, uint64_t b, uint64_t c, uint64_t d,
    uint64_t e, uint64_t f, uint64_t g, uint64_t h)
{
    (void)id, (void)cpu, (void)b, (void)c, (void)d, (void)e, (void)f, (void)g, (void)h;
    if (number != MARK)
        return;
    fprintf(out, "{\"tag\": %" PRIu64, tag);
    for (int kind = 0; kind < KINDS; kind++) {
        fprintf(out, ", \"%s\": %" PRIu64, NAMES[kind], counts[kind] - before[kind]);
        before[kind] = counts[kind];
    }
    fprintf(out, "}\n");
    fflush(out);
}

VISIBLE int qemu_plugin_install(plugin_id id, const void *info, int argc, char **argv)
{
    (void)info;
    for (int i = 0; i < argc; i++)
        if (strncmp(argv[i], "out=", 4) == 0)
            out = fopen(argv[i] + 4, "w");
    if (!out)
        return 1;
    qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
    qemu_plugin_register_vcpu_syscall_cb(id, called);
    return 0;
}
