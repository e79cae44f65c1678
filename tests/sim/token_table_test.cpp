// SPDX-License-Identifier: Apache-2.0
#include "sim/token_table.hpp"

#include <catch2/catch.hpp>

#include "base/error.hpp"

using namespace memwall;

TEST_CASE("a waiter hears once when its count is reached, in the order of waiting") {
    TokenTable tokens(1);
    const TokenId token(0);
    CHECK_FALSE(tokens.wait({token, 3}, 10));
    CHECK_FALSE(tokens.wait({token, 2}, 11));
    CHECK_FALSE(tokens.wait({token, 3}, 12));
    std::vector<std::int32_t> over;
    tokens.post(token, 1, Picoseconds(5), over);
    CHECK(over.empty());
    tokens.post(token, 1, Picoseconds(6), over);
    CHECK(over == std::vector<std::int32_t>{11});
    over.clear();
    tokens.post(token, 5, Picoseconds(7), over);
    CHECK(over == std::vector<std::int32_t>{10, 12});
    CHECK(tokens.wait({token, 7}, 13));
}

TEST_CASE("a token knows when it reached a count") {
    TokenTable tokens(1);
    const TokenId token(0);
    std::vector<std::int32_t> over;
    tokens.post(token, 2, Picoseconds(5), over);
    tokens.post(token, 1, Picoseconds(9), over);
    CHECK(tokens.reached(token, 0) == Picoseconds(0));
    CHECK(tokens.reached(token, 1) == Picoseconds(5));
    CHECK(tokens.reached(token, 2) == Picoseconds(5));
    CHECK(tokens.reached(token, 3) == Picoseconds(9));
    for (int i = 0; i < 200; ++i) {
        tokens.post(token, 1, Picoseconds(10 + i), over);
    }
    CHECK(tokens.reached(token, 203) == Picoseconds(209));
    CHECK(tokens.reached(token, 150) == Picoseconds(156));
    CHECK_THROWS_AS(tokens.reached(token, 3), InternalError);
}

TEST_CASE("an expected post matters only while somebody waits for it") {
    TokenTable tokens(2);
    std::vector<std::int32_t> over;
    tokens.expect(TokenId(0));
    CHECK_FALSE(tokens.awaited());
    tokens.wait({TokenId(1), 1}, 1);
    CHECK_FALSE(tokens.awaited());
    tokens.wait({TokenId(0), 1}, 2);
    CHECK(tokens.awaited());
    tokens.met(TokenId(0));
    CHECK_FALSE(tokens.awaited());
    tokens.expect(TokenId(1));
    CHECK(tokens.awaited());
    tokens.met(TokenId(1));
    tokens.post(TokenId(1), 1, Picoseconds(1), over);
    CHECK_FALSE(tokens.awaited());
}
