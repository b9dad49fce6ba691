
using namespace System.Management.Automation
using namespace System.Management.Automation.Language

Register-ArgumentCompleter -Native -CommandName 'aofkit' -ScriptBlock {
    param($wordToComplete, $commandAst, $cursorPosition)

    $commandElements = $commandAst.CommandElements
    $command = @(
        'aofkit'
        for ($i = 1; $i -lt $commandElements.Count; $i++) {
            $element = $commandElements[$i]
            if ($element -isnot [StringConstantExpressionAst] -or
                $element.StringConstantType -ne [StringConstantType]::BareWord -or
                $element.Value.StartsWith('-') -or
                $element.Value -eq $wordToComplete) {
                break
        }
        $element.Value
    }) -join ';'

    $completions = @(switch ($command) {
        'aofkit' {
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to colour text')
            [CompletionResult]::new('--progress', '--progress', [CompletionResultType]::ParameterName, 'When to draw a progress bar on standard error')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('check', 'check', [CompletionResultType]::ParameterValue, 'Check logs: is each sound, where is it damaged, what would a server do with it')
            [CompletionResult]::new('fix', 'fix', [CompletionResultType]::ParameterValue, 'Cut a damaged end off a log, and keep what was cut off')
            [CompletionResult]::new('inspect', 'inspect', [CompletionResultType]::ParameterValue, 'Show a log as text or JSON, or parts of it as a log again')
            [CompletionResult]::new('generate', 'generate', [CompletionResultType]::ParameterValue, 'Write the shell completions and the man pages into a directory')
            break
        }
        'aofkit;check' {
            [CompletionResult]::new('--server', '--server', [CompletionResultType]::ParameterName, 'Whose start and whose checker to judge by')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'How to report')
            [CompletionResult]::new('--threads', '--threads', [CompletionResultType]::ParameterName, 'How many threads read [default: one for each core]')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to colour text')
            [CompletionResult]::new('--progress', '--progress', [CompletionResultType]::ParameterName, 'When to draw a progress bar on standard error')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Say nothing; the exit code tells')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Say nothing; the exit code tells')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'aofkit;fix' {
            [CompletionResult]::new('--server', '--server', [CompletionResultType]::ParameterName, 'The server that is to load the log [default: Valkey 9 for a log with its RDB, else redis-8.0]')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'How to say what was done')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to colour text')
            [CompletionResult]::new('--progress', '--progress', [CompletionResultType]::ParameterName, 'When to draw a progress bar on standard error')
            [CompletionResult]::new('-n', '-n', [CompletionResultType]::ParameterName, 'Show what would be cut, and change nothing')
            [CompletionResult]::new('--dry-run', '--dry-run', [CompletionResultType]::ParameterName, 'Show what would be cut, and change nothing')
            [CompletionResult]::new('-y', '-y', [CompletionResultType]::ParameterName, 'Cut without asking')
            [CompletionResult]::new('--yes', '--yes', [CompletionResultType]::ParameterName, 'Cut without asking')
            [CompletionResult]::new('--undo', '--undo', [CompletionResultType]::ParameterName, 'Put back what the last fix cut off')
            [CompletionResult]::new('--force', '--force', [CompletionResultType]::ParameterName, 'Change a file even if another process has it open for writing')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'aofkit;inspect' {
            [CompletionResult]::new('-f', '-f', [CompletionResultType]::ParameterName, 'How to write what is shown')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'How to write what is shown')
            [CompletionResult]::new('--db', '--db', [CompletionResultType]::ParameterName, 'Only database N; may be given again')
            [CompletionResult]::new('--key', '--key', [CompletionResultType]::ParameterName, 'Only commands with a key that matches the pattern; may be given again')
            [CompletionResult]::new('--command', '--command', [CompletionResultType]::ParameterName, 'Only this command, in any case; may be given again')
            [CompletionResult]::new('--since', '--since', [CompletionResultType]::ParameterName, 'Only from this time on: unix seconds, RFC 3339, or a date (UTC)')
            [CompletionResult]::new('--until', '--until', [CompletionResultType]::ParameterName, 'Only up to this time, itself included')
            [CompletionResult]::new('--from', '--from', [CompletionResultType]::ParameterName, 'Only records that start at this byte offset or behind it')
            [CompletionResult]::new('--to', '--to', [CompletionResultType]::ParameterName, 'Only records that start before this byte offset')
            [CompletionResult]::new('--part', '--part', [CompletionResultType]::ParameterName, 'Only this file of a log of several parts, history included; may be given again')
            [CompletionResult]::new('-n', '-n', [CompletionResultType]::ParameterName, 'Stop after N of them, for each PATH')
            [CompletionResult]::new('--limit', '--limit', [CompletionResultType]::ParameterName, 'Stop after N of them, for each PATH')
            [CompletionResult]::new('--tail', '--tail', [CompletionResultType]::ParameterName, 'Only the last N of them (of those within --limit), for each PATH')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to colour text')
            [CompletionResult]::new('--progress', '--progress', [CompletionResultType]::ParameterName, 'When to draw a progress bar on standard error')
            [CompletionResult]::new('--full', '--full', [CompletionResultType]::ParameterName, 'Show long values and long lists of arguments whole, in text')
            [CompletionResult]::new('--follow', '--follow', [CompletionResultType]::ParameterName, 'Keep reading as the log grows, through rewrites too, until interrupted')
            [CompletionResult]::new('--skip-rdb', '--skip-rdb', [CompletionResultType]::ParameterName, 'Leave out RDB entries')
            [CompletionResult]::new('--count', '--count', [CompletionResultType]::ParameterName, 'Only say how many there are')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'aofkit;generate' {
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to colour text')
            [CompletionResult]::new('--progress', '--progress', [CompletionResultType]::ParameterName, 'When to draw a progress bar on standard error')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
    })

    $completions.Where{ $_.CompletionText -like "$wordToComplete*" } |
        Sort-Object -Property ListItemText
}
