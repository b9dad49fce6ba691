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
complete -c aofkit -n "__fish_aofkit_needs_command" -f -a "rewrite" -d 'Write the fewest commands that give the same data as a log'
complete -c aofkit -n "__fish_aofkit_needs_command" -f -a "digest" -d 'Print the digest of a log\'s data, as DEBUG DIGEST of a server does'
complete -c aofkit -n "__fish_aofkit_needs_command" -f -a "generate" -d 'Write the shell completions and the man pages into a directory'
complete -c aofkit -n "__fish_aofkit_using_subcommand check" -l server -d 'Server version to emulate, or to write for' -r -f -a "auto\t''
redis-6.2\t''
redis-7.0\t''
redis-7.2\t''
redis-7.4\t''
redis-8.0\t''
redis-8.2\t''
redis-8.4\t''
redis-8.6\t''
valkey-7.2\t''
valkey-8\t''
valkey-8.0\t''
valkey-8.1\t''
valkey-9\t''
valkey-9.0\t''
valkey-9.1\t''"
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
complete -c aofkit -n "__fish_aofkit_using_subcommand fix" -l server -d 'Server version to emulate, or to write for' -r -f -a "auto\t''
redis-6.2\t''
redis-7.0\t''
redis-7.2\t''
redis-7.4\t''
redis-8.0\t''
redis-8.2\t''
redis-8.4\t''
redis-8.6\t''
valkey-7.2\t''
valkey-8\t''
valkey-8.0\t''
valkey-8.1\t''
valkey-9\t''
valkey-9.0\t''
valkey-9.1\t''"
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
complete -c aofkit -n "__fish_aofkit_using_subcommand fix" -l undo -d 'Put back what the last fix cut off, or the log that the last rewrite replaced'
complete -c aofkit -n "__fish_aofkit_using_subcommand fix" -l discard-copies -d 'Remove the copies that were kept of what fixes cut off and rewrites replaced'
complete -c aofkit -n "__fish_aofkit_using_subcommand fix" -l force -d 'Change a file even if another process has it open for writing, or if that cannot be told'
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
complete -c aofkit -n "__fish_aofkit_using_subcommand inspect" -l decode -d 'Show the values in the payloads of RESTORE commands, as those of RDB entries are shown'
complete -c aofkit -n "__fish_aofkit_using_subcommand inspect" -l skip-rdb -d 'Leave out RDB entries'
complete -c aofkit -n "__fish_aofkit_using_subcommand inspect" -l count -d 'Only say how many there are'
complete -c aofkit -n "__fish_aofkit_using_subcommand inspect" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c aofkit -n "__fish_aofkit_using_subcommand rewrite" -s o -l output -d 'Write FILE, or a log of several parts into DIR/, or \'-\' for standard output; a device or FIFO is written to as it is' -r -F
complete -c aofkit -n "__fish_aofkit_using_subcommand rewrite" -l base -d 'Format of the output, or of the base file of a directory [default: that of PATH; aof to standard output, devices and FIFOs]' -r -f -a "aof\t'Commands'
rdb\t'An RDB'"
complete -c aofkit -n "__fish_aofkit_using_subcommand rewrite" -l batch -d 'How many items one command adds at most' -r
complete -c aofkit -n "__fish_aofkit_using_subcommand rewrite" -l db -d 'Only database N; may be given again' -r
complete -c aofkit -n "__fish_aofkit_using_subcommand rewrite" -l key -d 'Only keys that match the pattern, by the rules of KEYS and SCAN; may be given again' -r
complete -c aofkit -n "__fish_aofkit_using_subcommand rewrite" -l drop-expired -d 'Leave out keys and fields that had expired at the log\'s last time, or at TIME' -r
complete -c aofkit -n "__fish_aofkit_using_subcommand rewrite" -l at -d 'The data as it was at this time: unix seconds, RFC 3339, or a date (UTC)' -r
complete -c aofkit -n "__fish_aofkit_using_subcommand rewrite" -l at-offset -d 'The data as it was when the last part had this many bytes' -r
complete -c aofkit -n "__fish_aofkit_using_subcommand rewrite" -l unknown -d 'What to do with commands of modules and others that no server knows' -r -f -a "refuse\t'Name them all, and stop'
skip\t'Leave out what they did'
keep\t'Keep them with the key that their first argument names'"
complete -c aofkit -n "__fish_aofkit_using_subcommand rewrite" -l now -d 'The time that relative expiries count from where the log has no #TS: annotation [default: now]' -r
complete -c aofkit -n "__fish_aofkit_using_subcommand rewrite" -l threads -d 'How many threads replay [default: one for each core]' -r
complete -c aofkit -n "__fish_aofkit_using_subcommand rewrite" -l server -d 'Server version to emulate, or to write for' -r -f -a "auto\t''
redis-6.2\t''
redis-7.0\t''
redis-7.2\t''
redis-7.4\t''
redis-8.0\t''
redis-8.2\t''
redis-8.4\t''
redis-8.6\t''
valkey-7.2\t''
valkey-8\t''
valkey-8.0\t''
valkey-8.1\t''
valkey-9\t''
valkey-9.0\t''
valkey-9.1\t''"
complete -c aofkit -n "__fish_aofkit_using_subcommand rewrite" -s f -l format -d 'How to report what was done' -r -f -a "text\t'For people'
json\t'A JSON object'"
complete -c aofkit -n "__fish_aofkit_using_subcommand rewrite" -l color -d 'When to colour text' -r -f -a "auto\t'When a terminal is there to see it'
always\t'Always'
never\t'Never'"
complete -c aofkit -n "__fish_aofkit_using_subcommand rewrite" -l progress -d 'When to draw a progress bar on standard error' -r -f -a "auto\t'When a terminal is there to see it'
always\t'Always'
never\t'Never'"
complete -c aofkit -n "__fish_aofkit_using_subcommand rewrite" -l in-place -d 'Replace the log, after a question; the old files are kept until --undo or --discard-copies'
complete -c aofkit -n "__fish_aofkit_using_subcommand rewrite" -s n -l dry-run -d 'With --in-place, show what would change, and change nothing'
complete -c aofkit -n "__fish_aofkit_using_subcommand rewrite" -s y -l yes -d 'With --in-place, do not ask'
complete -c aofkit -n "__fish_aofkit_using_subcommand rewrite" -l undo -d 'Put back the log that the last --in-place replaced, or what the last fix cut off'
complete -c aofkit -n "__fish_aofkit_using_subcommand rewrite" -l discard-copies -d 'Remove the copies that were kept of replaced logs and of what fixes cut off'
complete -c aofkit -n "__fish_aofkit_using_subcommand rewrite" -l force -d 'Replace FILE if it exists; with --in-place, even a log that another process has open, or if that cannot be told'
complete -c aofkit -n "__fish_aofkit_using_subcommand rewrite" -l no-sync -d 'With --output, do not wait until the new log is on disk, unless it replaces a file'
complete -c aofkit -n "__fish_aofkit_using_subcommand rewrite" -l verify -d 'Read the output back and compare the data; --in-place always does'
complete -c aofkit -n "__fish_aofkit_using_subcommand rewrite" -l allow-loss -d 'Write the log even if it cannot hold all of the data'
complete -c aofkit -n "__fish_aofkit_using_subcommand rewrite" -l sort -d 'Order the keys by name, not by when they were first written'
complete -c aofkit -n "__fish_aofkit_using_subcommand rewrite" -l strict -d 'Refuse a log that is damaged, even where a server would cut its end off and load it'
complete -c aofkit -n "__fish_aofkit_using_subcommand rewrite" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c aofkit -n "__fish_aofkit_using_subcommand digest" -l server -d 'Server version to emulate, or to write for' -r -f -a "auto\t''
redis-6.2\t''
redis-7.0\t''
redis-7.2\t''
redis-7.4\t''
redis-8.0\t''
redis-8.2\t''
redis-8.4\t''
redis-8.6\t''
valkey-7.2\t''
valkey-8\t''
valkey-8.0\t''
valkey-8.1\t''
valkey-9\t''
valkey-9.0\t''
valkey-9.1\t''"
complete -c aofkit -n "__fish_aofkit_using_subcommand digest" -l db -d 'Only database N; may be given again' -r
complete -c aofkit -n "__fish_aofkit_using_subcommand digest" -l key -d 'The digest of one key\'s value, as DEBUG DIGEST-VALUE prints it; in database 0 unless --db says otherwise' -r
complete -c aofkit -n "__fish_aofkit_using_subcommand digest" -s f -l format -d 'How to report' -r -f -a "text\t'The digest alone'
json\t'A JSON object: digest, server, how the server was chosen, keys'"
complete -c aofkit -n "__fish_aofkit_using_subcommand digest" -l at -d 'The data as it was at this time: unix seconds, RFC 3339, or a date (UTC)' -r
complete -c aofkit -n "__fish_aofkit_using_subcommand digest" -l at-offset -d 'The data as it was when the last part had this many bytes' -r
complete -c aofkit -n "__fish_aofkit_using_subcommand digest" -l unknown -d 'What to do with commands of modules and others that no server knows' -r -f -a "refuse\t'Name them all, and stop'
skip\t'Leave out what they did'
keep\t'Keep them with the key that their first argument names'"
complete -c aofkit -n "__fish_aofkit_using_subcommand digest" -l now -d 'The time that relative expiries count from where the log has no #TS: annotation [default: now]' -r
complete -c aofkit -n "__fish_aofkit_using_subcommand digest" -l threads -d 'How many threads replay [default: one for each core]' -r
complete -c aofkit -n "__fish_aofkit_using_subcommand digest" -l color -d 'When to colour text' -r -f -a "auto\t'When a terminal is there to see it'
always\t'Always'
never\t'Never'"
complete -c aofkit -n "__fish_aofkit_using_subcommand digest" -l progress -d 'When to draw a progress bar on standard error' -r -f -a "auto\t'When a terminal is there to see it'
always\t'Always'
never\t'Never'"
complete -c aofkit -n "__fish_aofkit_using_subcommand digest" -l strict -d 'Refuse a log that is damaged, even where a server would cut its end off and load it'
complete -c aofkit -n "__fish_aofkit_using_subcommand digest" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c aofkit -n "__fish_aofkit_using_subcommand generate" -l color -d 'When to colour text' -r -f -a "auto\t'When a terminal is there to see it'
always\t'Always'
never\t'Never'"
complete -c aofkit -n "__fish_aofkit_using_subcommand generate" -l progress -d 'When to draw a progress bar on standard error' -r -f -a "auto\t'When a terminal is there to see it'
always\t'Always'
never\t'Never'"
complete -c aofkit -n "__fish_aofkit_using_subcommand generate" -s h -l help -d 'Print help (see more with \'--help\')'
