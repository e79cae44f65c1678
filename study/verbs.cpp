// SPDX-License-Identifier: Apache-2.0
#include "study/verbs.hpp"

namespace memwall {

const std::vector<OptionSpec>& option_specs() {
    static const std::vector<OptionSpec> kOptions = {
        {"--machine", "NAME", "the machine, by name or path"},
        {"--network", "NAME", "the network, by name or path"},
        {"--batch", "N", "items that go through the network together (default: 1)"},
        {"--precision", "P", "number formats, such as int4 or w4a8 (default: the network's own)"},
        {"--phase", "PHASE",
         "single, stream, offline, training_step; of language models prefill, decode, generate "
         "(default: stream; generate, with --context decode)"},
        {"--engine", "ENGINE", "systemc or analytic (default: systemc; of serve analytic)"},
        {"--effort", "EFFORT", "of the mapper: quick, normal or thorough (default: normal)"},
        {"--objective", "WHAT",
         "of machines mapped as loop nests: latency, energy, energy_delay or traffic (default: "
         "latency)"},
        {"--mapping", "NAME", "mappings by hand of machines mapped as loop nests, by name or path"},
        {"--items", "N", "items in all, in whole batches (default: 8 batches, 4 counted)"},
        {"--rounds", "N", "batches in all, in place of --items"},
        {"--users", "N",
         "users of a language model at once (default: 1; of serve as many as memory holds)"},
        {"--prompt", "N", "tokens of a user's prompt, in training of a sequence (default: 512)"},
        {"--output-tokens", "N", "tokens made for a user (default: 128, in a decode 1)"},
        {"--context", "N", "tokens in a user's cache before a decode (default: 2048)"},
        {"--arrivals", "HOW",
         "of requests: poisson, even, or FILE.csv with a request a line (default: poisson)"},
        {"--rate", "R", "requests a second"},
        {"--requests", "N", "requests in all (default: 1000)"},
        {"--seed", "N", "of random arrivals (default: 1)"},
        {"--instances", "N", "copies of the machine, each with the whole model (default: 1)"},
        {"--optimizer", "NAME", "of a training step: sgd, momentum or adam (default: adam)"},
        {"--set", "PATH=VALUE",
         "override a key: machine.clock=200MHz, network.precision=int4, scenario.items=8", true},
        {"--format", "FORMAT",
         "of the file: onnx, scalesim, maestro, zigzag or timeloop (default: "
         "what its content shows)"},
        {"--output", "FILE", "write the network to FILE (default: standard output)", false, "-o"},
        {"--set-dim", "NAME=SIZE",
         "the size of a dimension that the file leaves open; NAME may be INPUT.AXIS", true},
        {"--skip-unsupported", "", "leave out what cannot be expressed, and say what it was"},
        {"--core", "X,Y", "list what lies in the memory of one core, at column X and row Y"},
        {"--compare", "NAME", "a second network to set beside the first"},
        {"--graph", "FILE", "draw the network: FILE.svg a picture, FILE.dot for Graphviz"},
        {"--yaml", "FILE", "write the network, as it was overridden, as a network file"},
        {"--json", "FILE", "write the result as JSON; - is standard output"},
        {"--csv", "FILE", "write the result as CSV; - is standard output"},
        {"--jobs", "N", "worker processes (default: one a processor)"},
        {"--out", "DIR", "the folder of the results (default: results/SWEEP)"},
        {"--reuse", "DIR", "take points from the results of another sweep", true},
        {"--point-timeout", "TIME", "give up a point after TIME, such as 30s or 2min"},
        {"--then", "ENGINE", "run the best points again with another engine"},
        {"--top", "K", "how many of the best points --then runs (default: 10)"},
        {"--dry-run", "",
         "check the file and all its points, tell how many and how long, and stop"},
        {"--slurm", "", "run on a Slurm cluster: submit a job array and return"},
        {"--array-tasks", "N", "tasks of the job array (default: 8), --jobs processes each"},
        {"--partition", "NAME", "of the cluster (default: its own)"},
        {"--time", "LIMIT", "of a task, as sbatch takes it, such as 30 or 1:00:00"},
        {"--sbatch", "OPTION", "another option of sbatch, such as --sbatch=--account=lab", true},
        {"--status", "", "tell how far the sweep is, from its results alone"},
        {"--configs", "DIR", "look up names in DIR first"},
    };
    return kOptions;
}

const std::vector<VerbSpec>& verb_specs() {
    static const std::vector<VerbSpec> kVerbs = {
        {"run",
         "run one network on one machine, or an experiment",
         "EXPERIMENT",
         "an experiment, by name or path",
         {"--machine",   "--network", "--batch",     "--precision",     "--phase",
          "--engine",    "--effort",  "--objective", "--mapping",       "--items",
          "--rounds",    "--users",   "--prompt",    "--output-tokens", "--context",
          "--optimizer", "--set",     "--json",      "--csv",           "--configs"},
         {"memwall run --machine northpole --network resnet50 --precision int4",
          "memwall run --machine von_neumann --network lenet --engine analytic --json -",
          "memwall run memory_wall --csv memory_wall.csv",
          "memwall run --machine von_neumann --network llama2_7b --phase decode --users 8 "
          "--engine analytic"}},
        {"compare",
         "run one network on several machines, side by side",
         "MACHINES",
         "two or more machines, by name or path",
         {"--network", "--batch", "--precision", "--phase", "--engine", "--effort", "--items",
          "--rounds", "--users", "--prompt", "--output-tokens", "--context", "--optimizer", "--set",
          "--json", "--csv", "--configs"},
         {"memwall compare von_neumann northpole --network resnet50",
          "memwall compare von_neumann northpole --network resnet50 "
          "--set machine.von_neumann.components.global_buffer.capacity=128MiB"}},
        {"serve",
         "let requests arrive at instances of a language model, and tell how long they take",
         "",
         "",
         {"--machine", "--network", "--precision", "--engine", "--effort", "--users", "--prompt",
          "--output-tokens", "--arrivals", "--rate", "--requests", "--seed", "--instances", "--set",
          "--json", "--csv", "--configs"},
         {"memwall serve --machine northpole_16 --network granite_3b --precision int4 --rate 200",
          "memwall serve --machine h100_sxm_2 --network llama2_70b --precision fp8 "
          "--arrivals trace.csv --instances 4"}},
        {"sweep",
         "run every point of a sweep file, or collect its results",
         "SWEEP",
         "a sweep file, by name or path; or: collect DIR",
         {"--jobs", "--out", "--reuse", "--point-timeout", "--then", "--top", "--dry-run",
          "--status", "--slurm", "--array-tasks", "--partition", "--time", "--sbatch", "--engine",
          "--effort", "--set", "--configs"},
         {"memwall sweep buffer_size --jobs 2", "memwall sweep my_sweep.yaml --dry-run",
          "memwall sweep my_sweep.yaml --engine analytic --then systemc --top 20",
          "memwall sweep my_sweep.yaml --slurm --array-tasks 16 --jobs 4 --time 1:00:00",
          "memwall sweep collect results/buffer_size"}},
        {"validate",
         "set the models against published figures of real machines",
         "NAMES",
         "files of configs/validation, by name or path (default: all)",
         {"--json", "--csv", "--configs"},
         {"memwall validate", "memwall validate northpole --json -"}},
        {"show",
         "list or describe networks, machines, technologies, DRAMs, mappings, core memories, "
         "results and paths",
         "WHAT",
         "networks, machines, technologies, experiments, templates, validations, mappings, drams; "
         "network NAME, machine NAME, technology NAME, dram NAME; mapping; memory; result FILE; "
         "paths",
         {"--machine",   "--network", "--batch",   "--precision", "--phase",
          "--users",     "--prompt",  "--context", "--optimizer", "--effort",
          "--objective", "--mapping", "--core",    "--set",       "--compare",
          "--graph",     "--yaml",    "--json",    "--csv",       "--configs"},
         {"memwall show networks", "memwall show network resnet50",
          "memwall show network llama2_70b --prompt 4096",
          "memwall show network resnet50 --compare lenet",
          "memwall show network resnet50 --phase training_step --batch 32 --optimizer adam",
          "memwall show network resnet50 --graph resnet50.svg",
          "memwall show network vgg16 --precision int4 --yaml vgg16_int4.yaml",
          "memwall show machine northpole --csv -", "memwall show dram hbm2",
          "memwall show mapping --machine von_neumann --network resnet50",
          "memwall show mapping --machine tiny_loop_nest --network lenet --mapping lenet_by_hand",
          "memwall show memory --machine northpole --network resnet50 --precision int4 --core 3,7",
          "memwall show result results/resnet50/result.json",
          "memwall show paths --machine von_neumann"}},
        {"check",
         "check configuration files and report all their faults",
         "FILES",
         "networks, machines, technologies, kinds of DRAM, experiments or sweeps, by path or name",
         {"--configs"},
         {"memwall check my_machine.yaml", "memwall check resnet50 northpole"}},
        {"import",
         "turn a network of another program into a network file",
         "FILE",
         "an ONNX model, a SCALE-Sim topology, a Timeloop problem, a ZigZag workload or a MAESTRO "
         "layer file",
         {"--format", "--output", "--batch", "--set-dim", "--skip-unsupported"},
         {"memwall import model.onnx -o model.yaml",
          "memwall import model.onnx --batch 1 --set-dim sequence=128 -o model.yaml",
          "memwall import topology.csv --format scalesim"}},
    };
    return kVerbs;
}

const std::vector<std::string>& show_words() {
    static const std::vector<std::string> kWords = {
        "networks", "machines", "technologies", "experiments", "templates",  "validations",
        "mappings", "drams",    "network",      "machine",     "technology", "dram",
        "mapping",  "memory",   "result",       "paths"};
    return kWords;
}

}  // namespace memwall
