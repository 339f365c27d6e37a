/** The slate, in the line it has among the inputs. */
import type { SwitchStatus } from '../../api/types';
import { inWords } from '../sentence';
import { WORDS, type StateWord } from '../words';
import { onSlate, slateByHand } from './status';

export interface SlateWords {
  state: StateWord;
  label?: string;
  text: string;
}

/** Null when none is set. */
export function slateWords(status: SwitchStatus): SlateWords | null {
  const { state, reason } = status.slate;
  const why = reason ? inWords(reason, null) : '';
  switch (state) {
    case 'off': return null;
    case 'ready':
      // What viewers see instead of a program is nothing good.
      if (onSlate(status)) return { state: WORDS.warning, label: 'Shown', text: slateByHand(status) ? 'Taken by hand.' : 'It stands in for inputs that do not deliver.' };
      return { state: WORDS.ready, text: 'Made to the program’s format. Comes by itself when no input delivers.' };
    case 'making': return { state: WORDS.connecting, label: 'Being made', text: why || 'ffmpeg makes it to the program’s format.' };
    case 'missing': return { state: WORDS.waiting, label: 'Not made yet', text: why || 'It is made as soon as the program’s format is known.' };
    default: return { state: WORDS.failed, text: why || 'It could not be made. Without it viewers see nothing when no input delivers.' };
  }
}
