/* SPDX-License-Identifier: MIT */
/*
 * A kernel that fails, or that is watched: the calls through which KVM is used are ours here (the
 * linker's --wrap, WRAP in suite.sh) and pass on to the real ones, except for what is wanted
 * otherwise. Linked to test programs, and to the whole program once, which reads its wishes from
 * the environment: FAULTY="NAME=NUMBER ...", by the names of the fields.
 */
#pragma once

struct faulty {
    unsigned long open;   /* errno of opening /dev/kvm */
    unsigned long api;    /* what KVM_GET_API_VERSION answers */
    unsigned long cap;    /* the capability that is missing */
    unsigned long filter; /* errno of the question whether there is an SMCCC filter */
    unsigned long vm;     /* errno of KVM_CREATE_VM */
    unsigned long vcpu;   /* errno of KVM_CREATE_VCPU */
    unsigned long slot;   /* errno of KVM_SET_USER_MEMORY_REGION */
    unsigned long run;    /* errno of KVM_RUN */
    unsigned long exit;   /* exit reason of KVM_RUN */
    unsigned long after;  /* real calls before the failing one, for `vm` and those below it */
    unsigned long once;   /* and only this one */
    unsigned long page;   /* size of a page */
};
extern struct faulty faulty;

/* Calls of the real ioctl() by request, since the last faulty_forget(). */
unsigned faulty_count(unsigned long request);
unsigned faulty_count_all(void);
void faulty_forget(void);
