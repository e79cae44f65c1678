// SPDX-License-Identifier: Apache-2.0
#include "study/command_line.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <map>
#include <memory>

#include "base/error.hpp"
#include "study/verbs.hpp"
#include "study/version.hpp"

namespace memwall {
namespace {

std::string footer(const std::vector<std::string>& examples) {
    std::string text = examples.size() == 1 ? "Example:" : "Examples:";
    for (const std::string& example : examples) {
        text += "\n  " + example;
    }
    return text;
}

/// Words behind the options are no options of CLI11, but a part of the usage.
class VerbFormatter : public CLI::Formatter {
public:
    explicit VerbFormatter(std::string words) : words_(std::move(words)) {}

    std::string make_usage(const CLI::App* /*app*/, std::string name) const override {
        return "Usage: " + name + " [OPTIONS]" + (words_.empty() ? "" : " [" + words_ + "]") + "\n";
    }

private:
    std::string words_;
};

std::optional<std::string>& field(CommandLine& command, const std::string& option) {
    const auto& options = value_options();
    const auto found = std::find_if(options.begin(), options.end(),
                                    [&](const ValueOption& each) { return each.name == option; });
    ensure(found != options.end(), "an option with a value has a place for it");
    return command.*found->field;
}

std::vector<std::string>& list(CommandLine& command, const std::string& option) {
    const std::map<std::string, std::vector<std::string>*> lists = {{"--set", &command.set},
                                                                    {"--set-dim", &command.set_dim},
                                                                    {"--reuse", &command.reuse},
                                                                    {"--sbatch", &command.sbatch}};
    return *lists.at(option);
}

bool& flag(CommandLine& command, const std::string& option) {
    const std::map<std::string, bool*> flags = {{"--skip-unsupported", &command.skip_unsupported},
                                                {"--dry-run", &command.dry_run},
                                                {"--status", &command.status},
                                                {"--slurm", &command.slurm}};
    return *flags.at(option);
}

void add_options(const VerbSpec& verb, CLI::App& app, CommandLine& command) {
    for (const OptionSpec& option : option_specs()) {
        if (std::find(verb.options.begin(), verb.options.end(), option.name) ==
            verb.options.end()) {
            continue;
        }
        const std::string names =
            option.name + (*option.short_name == 0 ? "" : "," + std::string(option.short_name));
        if (*option.value == 0) {
            app.add_flag(names, flag(command, option.name), option.help);
            continue;
        }
        CLI::Option* added =
            option.repeats
                ? app.add_option(names, list(command, option.name), option.help)->expected(1)
                : app.add_option(names, field(command, option.name), option.help)
                      ->multi_option_policy(CLI::MultiOptionPolicy::Throw);
        if (option.repeats) {
            added->take_all()->allow_extra_args(false);  // what follows a value is a word
        }
        added->type_name(option.value);
    }
}

/// Words that no option took: those that look like options are mistakes.
void keep_words(const std::vector<std::string>& rest, const VerbSpec& verb, CommandLine& command) {
    for (const std::string& word : rest) {
        if (word.size() > 1 && word[0] == '-') {
            const std::string bare = word.substr(0, word.find('='));
            const std::string near = nearest_name(bare, verb.options);
            throw InputError("unknown option '" + bare + "' of memwall " + verb.name +
                             (near.empty() ? "; see memwall " + std::string(verb.name) + " --help"
                                           : "; did you mean '" + near + "'?"));
        }
        command.words.push_back(word);
    }
}

/// One line for CLI11's own complaints.
std::string complaint(const CLI::ParseError& error) {
    std::string text = error.what();
    std::replace(text.begin(), text.end(), '\n', ' ');
    return text;
}

[[noreturn]] void refuse_verb(const std::vector<std::string>& rest) {
    std::vector<std::string> verbs;
    for (const VerbSpec& verb : verb_specs()) {
        verbs.emplace_back(verb.name);
    }
    if (rest.empty()) {
        std::string names;
        for (const std::string& verb : verbs) {
            names += (names.empty() ? "" : ", ") + verb;
        }
        throw InputError("no verb; expected one of " + names + " (see memwall --help)");
    }
    throw InputError("unknown " + std::string(rest.front()[0] == '-' ? "option" : "verb") + " '" +
                     rest.front() + "'" + suggestion(rest.front(), verbs));
}

}  // namespace

const std::vector<ValueOption>& value_options() {
    static const std::vector<ValueOption> kOptions = {
        {"--machine", &CommandLine::machine},
        {"--network", &CommandLine::network},
        {"--batch", &CommandLine::batch},
        {"--precision", &CommandLine::precision},
        {"--phase", &CommandLine::phase},
        {"--engine", &CommandLine::engine},
        {"--effort", &CommandLine::effort},
        {"--items", &CommandLine::items},
        {"--rounds", &CommandLine::rounds},
        {"--users", &CommandLine::users},
        {"--prompt", &CommandLine::prompt},
        {"--chunk", &CommandLine::chunk},
        {"--output-tokens", &CommandLine::output_tokens},
        {"--context", &CommandLine::context},
        {"--json", &CommandLine::json},
        {"--csv", &CommandLine::csv},
        {"--configs", &CommandLine::configs},
        {"--format", &CommandLine::format},
        {"--output", &CommandLine::output},
        {"--compare", &CommandLine::compare},
        {"--graph", &CommandLine::graph},
        {"--objective", &CommandLine::objective},
        {"--mapping", &CommandLine::mapping},
        {"--yaml", &CommandLine::yaml},
        {"--optimizer", &CommandLine::optimizer},
        {"--jobs", &CommandLine::jobs},
        {"--out", &CommandLine::out},
        {"--point-timeout", &CommandLine::point_timeout},
        {"--then", &CommandLine::then},
        {"--top", &CommandLine::top},
        {"--array-tasks", &CommandLine::array_tasks},
        {"--partition", &CommandLine::partition},
        {"--time", &CommandLine::time},
        {"--core", &CommandLine::core},
        {"--arrivals", &CommandLine::arrivals},
        {"--rate", &CommandLine::rate},
        {"--requests", &CommandLine::requests},
        {"--seed", &CommandLine::seed},
        {"--instances", &CommandLine::instances},
        {"--floorplan", &CommandLine::floorplan},
        {"--layer", &CommandLine::layer},
        {"--by", &CommandLine::by},
        {"--stage", &CommandLine::stage}};
    return kOptions;
}

std::string ValueOption::key() const {
    std::string key = std::string(name).substr(2);
    std::replace(key.begin(), key.end(), '-', '_');
    return key;
}

const char* name(Engine engine) {
    return engine == Engine::analytic ? "analytic" : "systemc";
}

const std::vector<std::string>& engine_names() {
    static const std::vector<std::string> kNames = {"analytic", "systemc"};
    return kNames;
}

ParsedCommandLine parse_command_line(int argc, const char* const* argv) {
    CLI::App app(
        "memwall: where do the time and the energy of a neural network go, and how much of "
        "it is moving data?",
        "memwall");
    app.set_version_flag("--version", std::string("memwall ") + kVersion);
    app.footer(footer(
        {"memwall compare von_neumann northpole --network resnet50", "memwall VERB --help"}));
    app.allow_extras();
    CommandLine command;
    std::map<std::string, const VerbSpec*> verbs;
    for (const VerbSpec& verb : verb_specs()) {
        CLI::App* sub = app.add_subcommand(verb.name, verb.purpose);
        sub->allow_extras();
        sub->formatter(std::make_shared<VerbFormatter>(verb.positional));
        const std::string words = verb.positional;
        sub->footer((words.empty() ? "" : words + ": " + verb.positional_help + "\n\n") +
                    footer(verb.examples));
        add_options(verb, *sub, command);
        verbs[verb.name] = &verb;
    }
    try {
        app.parse(argc, argv);
    } catch (const CLI::CallForHelp&) {
        return {std::nullopt, app.help()};
    } catch (const CLI::CallForAllHelp&) {
        return {std::nullopt, app.help("", CLI::AppFormatMode::All)};
    } catch (const CLI::CallForVersion& version) {
        return {std::nullopt, std::string(version.what()) + "\n"};
    } catch (const CLI::ParseError& error) {
        throw InputError(complaint(error));
    }
    if (app.get_subcommands().size() != 1 || !app.remaining(false).empty()) {
        refuse_verb(app.remaining(false));
    }
    const CLI::App* chosen = app.get_subcommands().front();
    command.verb = chosen->get_name();
    keep_words(chosen->remaining(), *verbs.at(command.verb), command);
    return {command, ""};
}

}  // namespace memwall
