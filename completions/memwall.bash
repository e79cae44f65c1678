# SPDX-License-Identifier: Apache-2.0
# bash completion for memwall. Source it, or let bash-completion load it as installed.
# The words are those of study/verbs.cpp; a test holds them to be the same.
_memwall_names() {
    memwall show "$1" --csv - 2>/dev/null | tail -n +2 | cut -d, -f2
}

_memwall() {
    local verbs="run compare serve sweep validate show check import"
    local shown="networks machines technologies experiments templates validations mappings drams network machine technology dram mapping memory result paths"
    local -A options=(
        [run]="--machine --network --batch --precision --phase --engine --effort --objective --mapping --items --rounds --users --prompt --chunk --output-tokens --context --optimizer --set --json --csv --configs --help"
        [compare]="--network --batch --precision --phase --engine --effort --items --rounds --users --prompt --chunk --output-tokens --context --optimizer --set --json --csv --configs --help"
        [serve]="--machine --network --precision --engine --effort --users --prompt --chunk --output-tokens --arrivals --rate --requests --seed --instances --set --json --csv --configs --help"
        [sweep]="--jobs --out --reuse --point-timeout --then --top --dry-run --status --slurm --array-tasks --partition --time --sbatch --engine --effort --set --configs --help"
        [validate]="--json --csv --configs --help"
        [show]="--machine --network --batch --precision --phase --users --prompt --chunk --output-tokens --context --optimizer --engine --effort --objective --mapping --core --stage --floorplan --layer --by --set --compare --graph --yaml --json --csv --configs --help"
        [check]="--configs --help"
        [import]="--format --output --batch --set-dim --skip-unsupported --help"
    )
    local word=${COMP_WORDS[COMP_CWORD]}
    local before=${COMP_WORDS[COMP_CWORD - 1]}
    local verb=${COMP_WORDS[1]}
    local words=""
    COMPREPLY=()

    case $before in
        --machine) words=$(_memwall_names machines) ;;
        --network | --compare) words=$(_memwall_names networks) ;;
        --engine | --then) words="systemc analytic" ;;
        --effort) words="quick normal thorough" ;;
        --objective) words="latency energy energy_delay traffic" ;;
        --mapping) words=$(_memwall_names mappings) ;;
        --phase) words="single stream offline prefill decode generate training_step" ;;
        --by) words="traffic power tensor" ;;
        --optimizer) words="sgd momentum adam" ;;
        --precision) words="int8 int4 int2 w4a8" ;;
        --format) words="onnx scalesim maestro zigzag timeloop" ;;
        --arrivals) mapfile -t COMPREPLY < <(compgen -W "poisson even" -- "$word"; compgen -f -- "$word"); return ;;
        --json | --csv | --output | -o | --graph | --yaml | --floorplan) mapfile -t COMPREPLY < <(compgen -f -- "$word"); return ;;
        --configs | --out | --reuse) mapfile -t COMPREPLY < <(compgen -d -- "$word"); return ;;
        --batch | --items | --rounds | --users | --prompt | --chunk | --output-tokens | --context | --set | --set-dim | --jobs | --point-timeout | --top | --array-tasks | --partition | --time | --sbatch | --core | --rate | --requests | --seed | --instances | --layer) return ;;
    esac
    if [[ -n $words ]]; then
        mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word")
        return
    fi
    if [[ $COMP_CWORD -eq 1 ]]; then
        mapfile -t COMPREPLY < <(compgen -W "$verbs --help --version" -- "$word")
        return
    fi
    if [[ $word == -* ]]; then
        mapfile -t COMPREPLY < <(compgen -W "${options[$verb]}" -- "$word")
        return
    fi
    case $verb in
        run) words=$(_memwall_names experiments) ;;
        sweep)
            case $before in
                collect) mapfile -t COMPREPLY < <(compgen -d -- "$word"); return ;;
                *) words="collect $(_memwall_names experiments)" ;;
            esac
            ;;
        compare) words=$(_memwall_names machines) ;;
        validate) words=$(_memwall_names validations) ;;
        check) words=$(_memwall_names networks; _memwall_names machines; _memwall_names technologies; _memwall_names drams) ;;
        show)
            case $before in
                network) words=$(_memwall_names networks) ;;
                machine) words=$(_memwall_names machines) ;;
                technology) words=$(_memwall_names technologies) ;;
                dram) words=$(_memwall_names drams) ;;
                *) words=$shown ;;
            esac
            ;;
    esac
    mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word"; compgen -f -- "$word")
}

complete -F _memwall memwall
