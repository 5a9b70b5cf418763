import { Command } from 'commander';
import { simulatePopulationsCommand } from './simulate-populations.js';
import { simulateSessionsCommand } from './simulate-sessions.js';

export function simulateCommand(): Command {
  return new Command('simulate')
    .description('What happens when users react to what they are recommended.')
    .addCommand(simulatePopulationsCommand())
    .addCommand(simulateSessionsCommand());
}
