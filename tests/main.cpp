// SPDX-License-Identifier: Apache-2.0
// The one place that compiles the Catch2 runner.
#define CATCH_CONFIG_MAIN
#include <catch2/catch.hpp>
