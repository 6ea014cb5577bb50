/** `contimg group`: what the groups are doing, and what an operator may ask of one. */
import { Command } from 'commander';
import { groupCancelCommand, groupResumeCommand } from './group-requests.ts';
import { groupLaneCommand, groupReprocessCommand, groupUpgradeCommand } from './group-reruns.ts';
import { groupListCommand, groupShowCommand } from './group-views.ts';

export function groupCommand(): Command {
  return new Command('group')
    .description('list, show, resume, cancel and run again observation groups')
    .addCommand(groupListCommand())
    .addCommand(groupShowCommand())
    .addCommand(groupResumeCommand())
    .addCommand(groupCancelCommand())
    .addCommand(groupReprocessCommand())
    .addCommand(groupUpgradeCommand())
    .addCommand(groupLaneCommand());
}
