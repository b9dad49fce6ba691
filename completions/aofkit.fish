# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_aofkit_global_optspecs
    string join \n color= progress= h/help V/version
end

function __fish_aofkit_needs_command
    # Figure out if the current invocation already has a command.
    set -l cmd (commandline -opc)
    set -e cmd[1]
    argparse -s (__fish_aofkit_global_optspecs) -- $cmd 2>/dev/null
    or return
    if set -q argv[1]
        # Also print the command, so this can be used to figure out what it is.
        echo $argv[1]
        return 1
    end
    return 0
end

function __fish_aofkit_using_subcommand
    set -l cmd (__fish_aofkit_needs_command)
    test -z "$cmd"
    and return 1
    contains -- $cmd[1] $argv
end

complete -c aofkit -n "__fish_aofkit_needs_command" -l color -d 'When to colour text' -r -f -a "auto\t'When a terminal is there to see it'
always\t'Always'
never\t'Never'"
complete -c aofkit -n "__fish_aofkit_needs_command" -l progress -d 'When to draw a progress bar on standard error' -r -f -a "auto\t'When a terminal is there to see it'
always\t'Always'
never\t'Never'"
complete -c aofkit -n "__fish_aofkit_needs_command" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c aofkit -n "__fish_aofkit_needs_command" -s V -l version -d 'Print version'
complete -c aofkit -n "__fish_aofkit_needs_command" -f -a "generate" -d 'Write the shell completions and the man pages into a directory'
complete -c aofkit -n "__fish_aofkit_using_subcommand generate" -l color -d 'When to colour text' -r -f -a "auto\t'When a terminal is there to see it'
always\t'Always'
never\t'Never'"
complete -c aofkit -n "__fish_aofkit_using_subcommand generate" -l progress -d 'When to draw a progress bar on standard error' -r -f -a "auto\t'When a terminal is there to see it'
always\t'Always'
never\t'Never'"
complete -c aofkit -n "__fish_aofkit_using_subcommand generate" -s h -l help -d 'Print help (see more with \'--help\')'
