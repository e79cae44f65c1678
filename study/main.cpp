// SPDX-License-Identifier: Apache-2.0
#include "study/commands.hpp"

int main(int argc, char** argv) {
    return memwall::run_program(argc, argv);
}
