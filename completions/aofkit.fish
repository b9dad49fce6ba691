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
complete -c aofkit -n "__fish_aofkit_needs_command" -f -a "check" -d 'Check logs: is each sound, where is it damaged, what would a server do with it'
complete -c aofkit -n "__fish_aofkit_needs_command" -f -a "fix" -d 'Cut a damaged end off a log, and keep what was cut off'
complete -c aofkit -n "__fish_aofkit_needs_command" -f -a "inspect" -d 'Show a log as text or JSON, or parts of it as a log again'
complete -c aofkit -n "__fish_aofkit_needs_command" -f -a "generate" -d 'Write the shell completions and the man pages into a directory'
complete -c aofkit -n "__fish_aofkit_using_subcommand check" -l server -d 'Whose start and whose checker to judge by' -r -f -a "redis-6.2\t''
redis-7.0\t''
redis-8.0\t''
valkey-8\t''
valkey-9\t''"
complete -c aofkit -n "__fish_aofkit_using_subcommand check" -l format -d 'How to report' -r -f -a "text\t'For people'
json\t'One JSON object a log and line'
github\t'GitHub workflow annotations'
junit\t'JUnit XML'"
complete -c aofkit -n "__fish_aofkit_using_subcommand check" -l threads -d 'How many threads read [default: one for each core]' -r
complete -c aofkit -n "__fish_aofkit_using_subcommand check" -l color -d 'When to colour text' -r -f -a "auto\t'When a terminal is there to see it'
always\t'Always'
never\t'Never'"
complete -c aofkit -n "__fish_aofkit_using_subcommand check" -l progress -d 'When to draw a progress bar on standard error' -r -f -a "auto\t'When a terminal is there to see it'
always\t'Always'
never\t'Never'"
complete -c aofkit -n "__fish_aofkit_using_subcommand check" -s q -l quiet -d 'Say nothing; the exit code tells'
complete -c aofkit -n "__fish_aofkit_using_subcommand check" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c aofkit -n "__fish_aofkit_using_subcommand fix" -l server -d 'The server that is to load the log [default: Valkey 9 for a log with its RDB, else redis-8.0]' -r -f -a "redis-6.2\t''
redis-7.0\t''
redis-8.0\t''
valkey-8\t''
valkey-9\t''"
complete -c aofkit -n "__fish_aofkit_using_subcommand fix" -l format -d 'How to say what was done' -r -f -a "text\t'For people'
json\t'For programs: one object'"
complete -c aofkit -n "__fish_aofkit_using_subcommand fix" -l color -d 'When to colour text' -r -f -a "auto\t'When a terminal is there to see it'
always\t'Always'
never\t'Never'"
complete -c aofkit -n "__fish_aofkit_using_subcommand fix" -l progress -d 'When to draw a progress bar on standard error' -r -f -a "auto\t'When a terminal is there to see it'
always\t'Always'
never\t'Never'"
complete -c aofkit -n "__fish_aofkit_using_subcommand fix" -s n -l dry-run -d 'Show what would be cut, and change nothing'
complete -c aofkit -n "__fish_aofkit_using_subcommand fix" -s y -l yes -d 'Cut without asking'
complete -c aofkit -n "__fish_aofkit_using_subcommand fix" -l undo -d 'Put back what the last fix cut off'
complete -c aofkit -n "__fish_aofkit_using_subcommand fix" -l force -d 'Change a file even if another process has it open for writing'
complete -c aofkit -n "__fish_aofkit_using_subcommand fix" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c aofkit -n "__fish_aofkit_using_subcommand inspect" -s f -l format -d 'How to write what is shown' -r -f -a "text\t'Columns for people'
json\t'One JSON object a line'
resp\t'A log again'"
complete -c aofkit -n "__fish_aofkit_using_subcommand inspect" -l db -d 'Only database N; may be given again' -r
complete -c aofkit -n "__fish_aofkit_using_subcommand inspect" -l key -d 'Only commands with a key that matches the pattern; may be given again' -r
complete -c aofkit -n "__fish_aofkit_using_subcommand inspect" -l command -d 'Only this command, in any case; may be given again' -r
complete -c aofkit -n "__fish_aofkit_using_subcommand inspect" -l since -d 'Only from this time on: unix seconds, RFC 3339, or a date (UTC)' -r
complete -c aofkit -n "__fish_aofkit_using_subcommand inspect" -l until -d 'Only up to this time, itself included' -r
complete -c aofkit -n "__fish_aofkit_using_subcommand inspect" -l from -d 'Only records that start at this byte offset or behind it' -r
complete -c aofkit -n "__fish_aofkit_using_subcommand inspect" -l to -d 'Only records that start before this byte offset' -r
complete -c aofkit -n "__fish_aofkit_using_subcommand inspect" -l part -d 'Only this file of a log of several parts, history included; may be given again' -r
complete -c aofkit -n "__fish_aofkit_using_subcommand inspect" -s n -l limit -d 'Stop after N of them, for each PATH' -r
complete -c aofkit -n "__fish_aofkit_using_subcommand inspect" -l tail -d 'Only the last N of them (of those within --limit), for each PATH' -r
complete -c aofkit -n "__fish_aofkit_using_subcommand inspect" -l color -d 'When to colour text' -r -f -a "auto\t'When a terminal is there to see it'
always\t'Always'
never\t'Never'"
complete -c aofkit -n "__fish_aofkit_using_subcommand inspect" -l progress -d 'When to draw a progress bar on standard error' -r -f -a "auto\t'When a terminal is there to see it'
always\t'Always'
never\t'Never'"
complete -c aofkit -n "__fish_aofkit_using_subcommand inspect" -l full -d 'Show long values and long lists of arguments whole, in text'
complete -c aofkit -n "__fish_aofkit_using_subcommand inspect" -l follow -d 'Keep reading as the log grows, through rewrites too, until interrupted'
complete -c aofkit -n "__fish_aofkit_using_subcommand inspect" -l skip-rdb -d 'Leave out RDB entries'
complete -c aofkit -n "__fish_aofkit_using_subcommand inspect" -l count -d 'Only say how many there are'
complete -c aofkit -n "__fish_aofkit_using_subcommand inspect" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c aofkit -n "__fish_aofkit_using_subcommand generate" -l color -d 'When to colour text' -r -f -a "auto\t'When a terminal is there to see it'
always\t'Always'
never\t'Never'"
complete -c aofkit -n "__fish_aofkit_using_subcommand generate" -l progress -d 'When to draw a progress bar on standard error' -r -f -a "auto\t'When a terminal is there to see it'
always\t'Always'
never\t'Never'"
complete -c aofkit -n "__fish_aofkit_using_subcommand generate" -s h -l help -d 'Print help (see more with \'--help\')'
