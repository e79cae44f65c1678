// SPDX-License-Identifier: Apache-2.0
#include "study/command_line.hpp"

#include <catch2/catch.hpp>

#include "base/error.hpp"
#include "study/verbs.hpp"
#include "tests/study/program.hpp"

using namespace memwall;
using namespace memwall::test;

namespace {

ParsedCommandLine parse(std::vector<const char*> words) {
    words.insert(words.begin(), "memwall");
    return parse_command_line(static_cast<int>(words.size()), words.data());
}

CommandLine command(const std::vector<const char*>& words) {
    const ParsedCommandLine parsed = parse(words);
    REQUIRE(parsed.command);
    return *parsed.command;
}

}  // namespace

TEST_CASE("options and words go where they belong, in any order") {
    const CommandLine compare = command({"compare", "--network", "lenet", "a", "--json", "-", "b",
                                         "--set", "machine.clock=1 GHz", "--set", "batch=2"});
    CHECK(compare.verb == "compare");
    CHECK(compare.words == std::vector<std::string>{"a", "b"});
    CHECK(compare.network == "lenet");
    CHECK(compare.json == "-");
    CHECK_FALSE(compare.csv);
    CHECK(compare.set == std::vector<std::string>{"machine.clock=1 GHz", "batch=2"});
}

TEST_CASE("what --set says of a run counts as its option does") {
    const RunRequest request = run_request(command(
        {"run", "--set", "batch=2", "--set", "engine=analytic", "--set", "scenario.items=8"}));
    CHECK(request.settings.scenario.batch == 2);
    CHECK(request.settings.scenario.items == 8);
    CHECK(request.settings.engine == Engine::analytic);
    CHECK(request.settings.effort == Effort::normal);
}

TEST_CASE("an option that may be repeated takes one value, what follows is a word") {
    const CommandLine line = command({"show", "--set", "batch=2", "network", "lenet"});
    CHECK(line.set == std::vector<std::string>{"batch=2"});
    CHECK(line.words == std::vector<std::string>{"network", "lenet"});
}

TEST_CASE("misspelt verbs, options and values are told with the nearest") {
    CHECK_THROWS_WITH(parse({"runn"}), "error: unknown verb 'runn'; did you mean 'run'?");
    CHECK_THROWS_WITH(parse({"run", "--bacth", "3"}),
                      "error: unknown option '--bacth' of memwall run; did you mean '--batch'?");
    CHECK_THROWS_WITH(parse({"check", "--json=x"}),
                      "error: unknown option '--json' of memwall check; see memwall check --help");
    CHECK_THROWS_WITH(parse({}),
                      "error: no verb; expected one of run, compare, serve, sweep, validate, show, "
                      "check, import (see memwall --help)");
    CHECK_THROWS_WITH(run_request(command({"run", "--engine", "system"})),
                      "error: unknown engine 'system'; did you mean 'systemc'?");
    CHECK_THROWS_WITH(run_request(command({"run", "--effort", "fast"})),
                      "error: unknown effort 'fast'; expected one of quick, normal, thorough");
    CHECK_THROWS_WITH(run_request(command({"run", "--phase", "steam"})),
                      "error: unknown phase 'steam'; did you mean 'stream'?");
}

TEST_CASE("values that are no counts are input errors") {
    CHECK_THROWS_AS(run_request(command({"run", "--batch", "two"})), InputError);
    CHECK_THROWS_WITH(run_request(command({"run", "--batch", "-1"})),
                      "error: expected a batch from 1 to 1000000000, found -1");
    CHECK_THROWS_AS(run_request(command({"run", "--items", "1.5"})), InputError);
    for (const char* option : {"--machine", "--network", "--batch", "--precision", "--phase"}) {
        INFO(option);
        CHECK_THROWS_WITH(run_request(command({"run", option, ""})),
                          std::string("error: ") + option + ": expected a value, found ''");
    }
    CHECK_THROWS_WITH(run_request(command({"run", "--set", "precision="})),
                      "error: precision: expected a value, found ''");
    CHECK_THROWS_AS(run_request(command({"run", "--items", "2", "--rounds", "2"})), InputError);
    CHECK_THROWS_AS(parse({"run", "--batch"}), InputError);
    CHECK_THROWS_AS(parse({"run", "--batch", "1", "--batch", "2"}), InputError);
}

TEST_CASE("every verb has help with its options and an example") {
    const ParsedCommandLine top = parse({"--help"});
    for (const VerbSpec& verb : verb_specs()) {
        CHECK(top.text.find(verb.name) != std::string::npos);
        const ParsedCommandLine help = parse({verb.name, "--help"});
        CHECK_FALSE(help.command);
        INFO(help.text);
        for (const std::string& option : verb.options) {
            CHECK(help.text.find(option + " ") != std::string::npos);
        }
        REQUIRE_FALSE(verb.examples.empty());
        for (const std::string& example : verb.examples) {
            CHECK(help.text.find("  " + example) != std::string::npos);
            CHECK(example.find("memwall " + std::string(verb.name)) == 0);
        }
    }
    CHECK(parse({"--version"}).text == "memwall " MEMWALL_VERSION "\n");
}

TEST_CASE("the completion knows every verb, option and thing to show, and nothing else") {
    const std::string script = read_text(MEMWALL_SOURCE_DIR "/completions/memwall.bash");
    const auto quoted_line = [&](const std::string& start) {
        const std::size_t begin = script.find(start + "\"");
        INFO(start);
        REQUIRE(begin != std::string::npos);
        const std::size_t text = begin + start.size() + 1;
        return script.substr(text, script.find('"', text) - text);
    };
    std::string verbs;
    for (const VerbSpec& verb : verb_specs()) {
        verbs += (verbs.empty() ? "" : " ") + std::string(verb.name);
        std::string options;
        for (const std::string& option : verb.options) {
            options += option + " ";
        }
        CHECK(quoted_line("[" + std::string(verb.name) + "]=") == options + "--help");
    }
    CHECK(quoted_line("verbs=") == verbs);
    std::string words;
    for (const std::string& word : show_words()) {
        words += (words.empty() ? "" : " ") + word;
    }
    CHECK(quoted_line("shown=") == words);
}
