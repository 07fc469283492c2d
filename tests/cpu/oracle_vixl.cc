/* SPDX-License-Identifier: MIT */
/*
 * The second reference: runs the streams it reads on the simulator of VIXL and answers with the
 * registers after them. It has no FPSR, rounds to nearest only and flushes nothing: its caller asks
 * for no more (stream.c), and leaves out the encodings in which it differs (known.def).
 */
#include "wire.h"

#include <aarch64/simulator-aarch64.h>
#include <setjmp.h>
#include <signal.h>
#include <sys/mman.h>

using namespace vixl::aarch64;

static sigjmp_buf out;

static void on_signal(int number)
{
    siglongjmp(out, number);
}

static uint8_t *region(uint64_t addr, uint64_t bytes)
{
    void *p = mmap((void *)addr, bytes, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
    if (p != (void *)addr)
        return NULL;
    fill_pattern((uint8_t *)p, addr, bytes);
    return (uint8_t *)p;
}

static void set_regs(Simulator *cpu, const struct regs *s)
{
    for (unsigned n = 0; n < 31; n++)
        cpu->WriteXRegister(n, (int64_t)s->x[n]);
    cpu->WriteSp(s->sp);
    cpu->ReadNzcv().SetRawValue((uint32_t)s->nzcv);
    cpu->ReadFpcr().SetRawValue((uint32_t)s->fpcr);
    for (unsigned n = 0; n < 32; n++) {
        Simulator::qreg_t q;
        memcpy(&q, s->v[n], sizeof q);
        cpu->WriteQRegister(n, q);
    }
}

static void get_regs(Simulator *cpu, struct regs *s)
{
    for (unsigned n = 0; n < 31; n++)
        s->x[n] = (uint64_t)cpu->ReadXRegister(n);
    s->x[29] = 0;
    s->sp = (uint64_t)cpu->ReadXRegister(31, Reg31IsStackPointer);
    s->nzcv = cpu->ReadNzcv().GetRawValue();
    s->fpcr = cpu->ReadFpcr().GetRawValue();
    for (unsigned n = 0; n < 32; n++) {
        Simulator::qreg_t q = cpu->ReadQRegister(n);
        memcpy(s->v[n], &q, sizeof q);
    }
}

/* Streams branch forward only. */
static void run(Simulator *cpu, struct regs *regs, const uint8_t *code, uint64_t count)
{
    const Instruction *end = (const Instruction *)(code + count * 4);
    set_regs(cpu, regs);
    cpu->WritePc((const Instruction *)code, Simulator::NoBranchLog);
    while (cpu->ReadPc() < end)
        cpu->ExecuteInstruction();
    get_regs(cpu, regs);
}

int main()
{
    static struct request in;
    static struct reply reply;
    const int answers = dup(1); /* the simulator prints to standard output */
    uint8_t *data = region(DATA_ADDR, DATA_BYTES);
    uint8_t *below = region(CODE_ADDR - 0x4000, CODE_BYTES);
    if (answers < 0 || dup2(2, 1) < 0 || !data || !below)
        return 1;
    uint8_t *code = below + 0x4000, *window = data + (BASE - DATA_ADDR) - WINDOW;
    struct sigaction sa = {};
    sa.sa_handler = on_signal;
    sa.sa_flags = SA_NODEFER;
    sigaction(SIGABRT, &sa, NULL);
    sigaction(SIGSEGV, &sa, NULL);
    Decoder decoder;
    Simulator cpu(&decoder);
    cpu.SetCPUFeatures(vixl::CPUFeatures::All());
    while (transfer(0, &in, sizeof in, 0)) {
        if (in.count > STREAM_MAX)
            return 1;
        memcpy(code, in.words, in.count * 4);
        reply.regs = in.regs;
        reply.signal = (uint64_t)sigsetjmp(out, 1);
        if (!reply.signal)
            run(&cpu, &reply.regs, code, in.count);
        reply.memory = digest(window, 2 * WINDOW);
        fill_pattern(window, BASE - WINDOW, 2 * WINDOW);
        if (!transfer(answers, &reply, sizeof reply, 1))
            return 1;
    }
    return 0;
}
