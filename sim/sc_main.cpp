// SPDX-License-Identifier: Apache-2.0
// The SystemC library asks every program for an sc_main; ours have a main of their own.
#include <systemc>

int sc_main(int /*argc*/, char* /*argv*/[]) {
    return 0;
}
