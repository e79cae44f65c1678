// SPDX-License-Identifier: Apache-2.0
#include "study/serving/arrivals.hpp"

#include <catch2/catch.hpp>
#include <cmath>

#include "base/error.hpp"
#include "tests/study/program.hpp"
#include "tests/support/temporary_folder.hpp"

using namespace memwall;
using namespace memwall::test;

namespace {

std::vector<Request> read(const std::string& text) {
    const TemporaryFolder folder;
    write_text(folder.path() / "trace.csv", text);
    return read_arrivals(folder.path() / "trace.csv", "trace.csv");
}

std::string faults_of(const std::string& text) {
    try {
        read(text);
    } catch (const InputError& error) {
        return error.what();
    }
    return "";
}

}  // namespace

TEST_CASE("Poisson arrivals have the gaps of their rate, and are those of their seed") {
    constexpr int kCount = 20'000;
    const std::vector<Request> requests = poisson_arrivals({40, kCount, 7, 3}, 5);
    double before = 0;
    double sum = 0;
    double squares = 0;
    int above_mean = 0;
    for (const Request& request : requests) {
        const double at = to_seconds(request.arrival).count();
        const double gap = at - before;
        sum += gap;
        squares += gap * gap;
        above_mean += gap > 1.0 / 40 ? 1 : 0;
        before = at;
        CHECK(request.prompt == 7);
        CHECK(request.output_tokens == 3);
    }
    // Three standard errors of 20,000 exponential gaps: mean and deviation alike, 1/e above it.
    const double mean = sum / kCount;
    CHECK(std::abs(mean * 40 - 1) < 3 / std::sqrt(kCount));
    CHECK(std::abs(std::sqrt(squares / kCount - mean * mean) * 40 - 1) < 6 / std::sqrt(kCount));
    CHECK(std::abs(above_mean / double{kCount} - std::exp(-1.0)) < 3 * 0.5 / std::sqrt(kCount));
    CHECK(poisson_arrivals({40, 50, 7, 3}, 5).back().arrival == requests[49].arrival);
    CHECK(poisson_arrivals({40, 50, 7, 3}, 6).back().arrival != requests[49].arrival);
}

TEST_CASE("Even arrivals come at whole multiples of the gap") {
    const std::vector<Request> requests = even_arrivals({8, 4, 1, 1});
    CHECK(requests[0].arrival == Picoseconds(0));
    CHECK(requests[3].arrival == Picoseconds(375'000'000'000));
}

TEST_CASE("A trace gives its requests, whatever the order of its columns") {
    const std::vector<Request> requests =
        read("output_tokens, arrival_s ,prompt_tokens\r\n5,0.25,100\n\n1,0.25,7\r\n12, 3e1, 40");
    REQUIRE(requests.size() == 3);
    CHECK(requests[0].arrival == Picoseconds(250'000'000'000));
    CHECK(requests[0].prompt == 100);
    CHECK(requests[0].output_tokens == 5);
    CHECK(requests[1].output_tokens == 1);
    CHECK(requests[2].arrival == Picoseconds(30'000'000'000'000));
}

TEST_CASE("A trace may come from a spreadsheet, with its mark of bytes and its quotes") {
    const std::vector<Request> requests = read(
        "\xEF\xBB\xBF\"arrival_s\",\"prompt_tokens\",\"output_tokens\"\r\n\"0.25\",\"7\",5\r\n");
    REQUIRE(requests.size() == 1);
    CHECK(requests[0].arrival == Picoseconds(250'000'000'000));
    CHECK(requests[0].prompt == 7);
    CHECK(requests[0].output_tokens == 5);
}

TEST_CASE("Each fault of a trace is told with its line and column") {
    CHECK(faults_of("arrival_s,prompt_token,output_tokens\n1,1,1\n") ==
          "trace.csv:1:1: error: missing column 'prompt_tokens'\n"
          "trace.csv:1:11: error: unknown column 'prompt_token'; did you mean 'prompt_tokens'?");
    CHECK(faults_of("arrival_s,prompt_tokens,output_tokens\n"
                    "1,10,5\n0.5,10,5\n2,0,x\n3,4\n-1,5,5\n") ==
          "trace.csv:3:1: error: expected arrivals in order, found 0.5 s after 1 s\n"
          "trace.csv:4:3: error: expected a number of tokens from 1 to 1000000, found '0'\n"
          "trace.csv:4:5: error: expected a number of tokens from 1 to 1000000, found 'x'\n"
          "trace.csv:5:3: error: expected 3 cells, found 2\n"
          "trace.csv:6:1: error: expected seconds from 0 to 5184000, found '-1'");
    CHECK(faults_of("") ==
          "trace.csv:1:1: error: expected a line with the columns arrival_s, prompt_tokens and "
          "output_tokens, found an empty file");
    CHECK(faults_of("arrival_s,prompt_tokens,output_tokens\n") ==
          "trace.csv:1:1: error: expected a request a line below the names of the columns, found "
          "none");
    CHECK(faults_of("arrival_s,arrival_s,prompt_tokens,output_tokens\n1,1,1,1\n") ==
          "trace.csv:1:11: error: column 'arrival_s' is there twice");
}
