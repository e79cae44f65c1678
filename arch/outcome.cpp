// SPDX-License-Identifier: Apache-2.0
#include "arch/outcome.hpp"

#include "base/error.hpp"

namespace memwall {

const char* name(Bound bound) {
    switch (bound) {
        case Bound::compute:
            return "compute";
        case Bound::vector:
            return "vector";
        case Bound::dram:
            return "dram";
        case Bound::buffer:
            return "buffer";
        case Bound::interconnect:
            return "interconnect";
        case Bound::link:
            return "link";
        case Bound::host:
            return "host";
        case Bound::latency:
            return "latency";
    }
    fail("unknown bound");
}

}  // namespace memwall
